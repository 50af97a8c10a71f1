// The shop's page: what it says, and the two things done to it (a code put into its own form, and taken out again). The only file that knows its selectors.
// Desktop and mobile are different HTML; both redraw their blocks by AJAX at any time, so nothing found here is kept.

import { parseMoney } from './money.js';

const PATIENCE_MS = 25000; // a slow shop that has said nothing may still take the code

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const isShown = (element) => element.getClientRects().length;
const shown = (selector) => all(selector).find(isShown);

const BLOCKS = '.order-details__block--discount, .order-details-i';
const DISCOUNTS = '.order-details__cost-value, .order-details-b';
const FIELDS = ['Delivery', 'Payment', 'warehouse'].map((word) => `select[name*=${word}],input[type=radio][name*=${word}]`).join();
const A_CODE = /[A-Z]{4}|[A-Za-z]\d/;
const isChosen = (field) => field.value && (field.options || field.checked);

/** The cart's own object, where the theme has one. It is a stranger's: whatever it throws counts as not being there. */
function cart() {
  try {
    const { Cart } = window.AjaxCart.getInstance();
    return Cart.total && Cart;
  } catch (error) {
    return null;
  }
}

const amounts = (selector) => all(selector).filter(isShown).map((element) => parseMoney(element.textContent));
export const discounts = () => amounts(DISCOUNTS).filter((sum) => sum < 0);

/** What is to be paid for goods now, in kopiykas, with whatever discount there is taken off; null when the page does not say. */
export function sumNow() {
  const mine = cart();
  const lines = amounts('.j-sum-p:not(#cart *,#cart-drawer *,.popup *)');
  const goods = lines.length && !lines.includes(null) ? lines.concat(discounts()).reduce((sum, each) => sum + each, 0) : null;
  // The mobile page's total comes last: it includes delivery, for which points do not pay. A cart object that is still empty says 0.
  const sums = [parseMoney(mine && +mine.total.sum), amounts('.j-total-sum')[0], goods, amounts('.order-details__total, .order-summary-b')[0]];
  return sums.find((sum) => sum > 0) || (sums.includes(0) ? 0 : null);
}

/** The coupon on the cart: its code where the page tells it, and its discount; null without one. */
export function coupon() {
  const mine = cart();
  const told = (mine?.total.coupon_data || mine?.coupon_data)?.code || '';
  const remove = shown('.j-coupon-remove');
  if (!remove && !told) return null;
  return {
    code: told.toUpperCase(),
    text: remove ? `${around(remove).textContent} ${one('.j-coupon-input')?.value}` : '',
    discounts: discounts(),
  };
}

/** Whether that coupon is the code of this hold; of one that has ended the portal tells only how it begins. The amount counts where no code is to be seen. */
export function isOurs(found, hold) {
  const code = (hold.promo_code || `BON${hold.points}`).toUpperCase();
  return found.code ? found.code.startsWith(code) : found.text.toUpperCase().includes(code) || (!A_CODE.test(found.text) && found.discounts.includes(-hold.points * 100));
}

export const phoneField = () => shown('#checkout-phone, .j-phone-masked, input[type=tel][name*=hone]');

/** Its form, or no way to use points: then the widget does not come at all. */
export const form = () => one('.j-coupon-add, .j-coupon-input, .j-coupon-remove');

/** Where the widget belongs: behind the coupon's block. */
export const around = (element) => element && (element.closest(BLOCKS) || element.parentElement);

const until = (test, patience) =>
  new Promise((resolve) => {
    const end = Date.now() + patience;
    const look = () => {
      const found = test();
      if (found || Date.now() > end) return resolve(found || null);
      setTimeout(look, 60);
    };
    look();
  });

function type(input, text) {
  if (!input) return;
  input.value = text;
  ['input', 'change'].forEach((name) => input.dispatchEvent(new Event(name, { bubbles: true })));
}

/** Put the code into the shop's form as a shopper would. Resolves to whether the shop took it. */
export async function applyCode(hold) {
  const restore = keepChoices();
  const opener = shown('.j-coupon-add');
  if (opener && !shown('.j-coupon-input')) opener.click();
  const input = await until(() => shown('.j-coupon-input'), 2000);
  const submit = input && shown('.j-coupon-submit');
  let isTaken = false;
  if (submit) {
    type(input, hold.promo_code);
    all('.j-coupon-error').forEach((error) => (error.textContent = '')); // about a code that was tried before
    submit.click();
    input.blur(); // the opener's click put the keyboard there
    isTaken = 1 === (await until(() => (coupon() ? isOurs(coupon(), hold) && 1 : shown('.j-coupon-error')?.textContent.trim() && 2), PATIENCE_MS));
    if (!isTaken) type(shown('.j-coupon-input'), ''); // a refused code is no use to anybody
  }
  restore();
  return isTaken;
}

/** Press the shop's own "remove". Resolves to whether the coupon is gone. */
export async function removeCode() {
  const restore = keepChoices();
  // The cart's object knows a new coupon before its button is drawn.
  const remove = coupon() && (await until(() => shown('.j-coupon-remove'), 3000));
  remove?.click();
  const isGone = await until(() => !coupon(), 6000);
  restore();
  return !!isGone;
}

/** Delivery and payment as they were chosen: a new coupon makes the shop draw them anew, sometimes without the choice. */
function keepChoices() {
  const chosen = new Map(all(FIELDS).filter(isChosen).map((field) => [field.name, field.value]));
  const forget = (event) => event.isTrusted && chosen.delete(event.target.name); // the shopper has chosen something else since
  document.addEventListener('change', forget, true);
  const restore = (rounds) => {
    all(FIELDS).forEach((field) => {
      const value = chosen.get(field.name);
      const isOff = field.options ? field.value !== value && [...field.options].some((option) => option.value === value) : field.value === value && !field.checked;
      if (!isOff) return;
      field.value = value;
      field.checked = true;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    });
    // Options of a branch may come a moment after the delivery they belong to.
    if (rounds) setTimeout(restore, 250, rounds - 1);
    else document.removeEventListener('change', forget, true);
  };
  return () => restore(12);
}

/** Tell about every change of the page, at once and without detail. The cart's own events tell nothing that is not drawn as well. */
export function watch(tell) {
  new MutationObserver(tell).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ['class', 'style', 'hidden'] });
}
