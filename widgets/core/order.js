// What the thank-you page tells about the order: its number and sum. From the data layer where the shop writes it there, else from the page, in both themes.
// All of it can be forged by whoever looks at the page: the portal takes it for a claim.

import { parseMoney } from './money.js';

const NUMBER = /(?:№|#)\s*([\w-]{1,32})/;
const AN_ORDER = /замовлення|заказ|order/i;
const TOTALS = ['.order-details__total', '.order-summary-b'];

/** The last purchase that the shop noted, in GA4's shape, the older one, or as gtag's arguments. */
function fromDataLayer() {
  for (const entry of [].concat(window.dataLayer || []).reverse()) {
    const event = (entry && entry[0] === 'event' && entry[1] === 'purchase' && entry[2]) || (entry && entry.ecommerce) || {};
    const old = event.purchase && event.purchase.actionField;
    const number = event.transaction_id || (old && old.id);
    const total = parseMoney(old ? old.revenue : event.value);
    if (number && total > 0) return { number: String(number), total };
  }
  return null;
}

const texts = (selector) => Array.from(document.querySelectorAll(selector), (element) => element.textContent.trim());

function numberOnPage() {
  for (const name of document.querySelectorAll('.invoice__name')) {
    if (AN_ORDER.test(name.textContent)) {
      const value = name.parentElement.querySelector('.invoice__value');
      const found = value && /[\w-]{1,32}/.exec(value.textContent);
      if (found) return found[0];
    }
  }
  const headed = texts('.h2, .main-h').find((text) => AN_ORDER.test(text) && NUMBER.test(text));
  return headed ? NUMBER.exec(headed)[1] : null;
}

/** The phone as the page shows it, for a shopper who proved nothing here. */
export function phoneOnPage() {
  const pairs = Array.from(document.querySelectorAll('.invoice__name, dt.check-h'));
  const label = pairs.find((each) => /телефон|phone/i.test(each.textContent));
  const value = label && (label.nextElementSibling || label.parentElement.querySelector('.invoice__value'));
  return value ? value.textContent.trim() : '';
}

export function readOrder() {
  const noted = fromDataLayer();
  if (noted) return noted;
  const number = numberOnPage();
  const total = TOTALS.reduce((found, selector) => found || texts(selector).map(parseMoney).find((sum) => sum > 0), null);
  return number && total ? { number, total } : null;
}
