// What the thank-you page tells about the order: number, sum, what of it is delivery, and what was taken off. The number, and a coupon's code, are known best
// to the data layer, where the shop writes it; sums are read from the page, in both themes, because what a data layer's sum includes differs from shop to shop.
// All of it can be forged by whoever looks at the page: the portal takes it for a claim.

import { parseMoney } from './money.js';

const NUMBER = /(?:№|#)\s*([\w-]{1,32})/;
const WHOLE = /^\s*([\w-]{1,32})\s*$/;
const AN_ORDER = /замовлення|заказ|order/i;
// A row that names the number, or nothing but the order: "order date" is neither.
const ITS_NUMBER = /номер|number|^[^\p{L}]*(?:ваше?\s|your\s)?(?:замовлення|заказ|order)[^\p{L}]*$/iu;
const A_COUPON = /купон|промокод|сертиф|coupon|promo|certificate/i;
const DELIVERY = /достав|deliver|shipping/i;
const TOTALS = ['.order-details__total', '.order-summary-b'];
const ROWS = '.order-details__cost-value, .order-details-b';

/** The last purchase that the shop noted, in GA4's shape, the older one, or as gtag's arguments. */
function fromDataLayer() {
  for (const entry of [].concat(window.dataLayer || []).reverse()) {
    const event = (entry && entry[0] === 'event' && entry[1] === 'purchase' && entry[2]) || (entry && entry.ecommerce) || {};
    const old = event.purchase && event.purchase.actionField;
    const { id, transaction_id: number = id, revenue, value = revenue, coupon, shipping } = old || event;
    const total = parseMoney(value);
    if (number && total > 0) return { number: String(number), total, delivery: parseMoney(shipping) || 0, coupon: String(coupon || '').toUpperCase() };
  }
  return null;
}

const all = (selector) => Array.from(document.querySelectorAll(selector));
const texts = (selector) => all(selector).map((element) => element.textContent.trim());

function numberOnPage() {
  for (const { textContent: name, parentElement: row } of all('.invoice__name')) {
    if (!AN_ORDER.test(name)) continue;
    const value = row.querySelector('.invoice__value')?.textContent || '';
    const found = NUMBER.exec(name) || NUMBER.exec(value) || (ITS_NUMBER.test(name) && WHOLE.exec(value));
    if (found) return found[1];
  }
  const headed = texts('.h2, .main-h').find((text) => AN_ORDER.test(text) && NUMBER.test(text));
  return headed ? NUMBER.exec(headed)[1] : null;
}

const add = (sums) => sums.reduce((sum, each) => sum + each, 0);

/** Total, delivery and discounts in kopiykas; null where the page shows no total. Delivery that is not in the total (a carrier's own) counts as none. */
function sumsOnPage() {
  const total = TOTALS.reduce((found, selector) => found || texts(selector).map(parseMoney).find((sum) => sum > 0), null);
  if (!total) return null;
  const rows = all(ROWS).map((value) => ({ name: value.parentElement.textContent, sum: parseMoney(value.textContent) }));
  const sums = (test) => rows.filter(test).map(({ sum }) => sum);
  const delivery = add(sums(({ name, sum }) => sum > 0 && DELIVERY.test(name)));
  const isApart = add(sums(({ name }) => !DELIVERY.test(name))) === total;
  const ofCoupons = sums(({ name, sum }) => sum < 0 && A_COUPON.test(name));
  return { total, delivery: isApart ? 0 : delivery, discounts: ofCoupons.length ? ofCoupons : sums(({ sum }) => sum < 0) };
}

/** Whether the order was paid with this hold: its code is the order's coupon, or, where no coupon is named, its points are what was taken off. */
export function isPaidWith({ coupon, discounts }, { promo_code: code, points }) {
  return !!code && (coupon ? coupon === code.toUpperCase() : discounts.includes(-points * 100));
}

/** The phone as the page shows it, for a shopper who proved nothing here. */
export function phoneOnPage() {
  const label = all('.invoice__name, dt.check-h').find((each) => /телефон|phone/i.test(each.textContent));
  const value = label && (label.nextElementSibling || label.parentElement.querySelector('.invoice__value'));
  return value ? value.textContent.trim() : '';
}

/** {number, total, delivery, coupon, discounts}, or null while the page does not say. */
export function readOrder() {
  const order = { number: numberOnPage(), coupon: '', discounts: [], ...fromDataLayer(), ...sumsOnPage() };
  return order.number && order.total ? order : null;
}
