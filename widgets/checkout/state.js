// What the checkout's widget knows, and what follows from it together with the page. There is one widget on a page.

import * as shop from '../core/shop.js';

// step: closed, phone, code, points · phone · session · balance · hold {id, promo_code, points, expires_at, status} · points: chosen ·
// note {name, values, isBad} · isTall · isBusy · isApplying · isOff · what the page was like when it was last looked at
export const state = { step: 'closed' };

/** Whether the hold's code can still be in a cart. */
export const isLive = () => state.hold && state.hold.status !== 'releasing';

/** Whether our code is the coupon on the cart. */
export function isApplied(found = shop.coupon()) {
  return !!(found && isLive() && state.hold.promo_code && shop.isOurs(found, state.hold));
}

/** The goods' sum before our own code, in kopiykas; null when the page does not say. */
export function sumBefore() {
  const sum = shop.sumNow();
  const found = shop.coupon();
  if (sum === null || !isApplied(found)) return sum;
  // A code that is worth more than the cart takes off no more than there is.
  return sum + Math.min(state.hold.points * 100, -Math.min(0, ...found.discounts) || Infinity);
}

/** What other discounts take off, in kopiykas: it counts against the share that points may pay. */
export const otherDiscounts = () => Math.max(0, shop.sumNow() - sumBefore() - shop.discounts().reduce((sum, each) => sum + each, 0));

/** Which view is true now: the page's coupon goes before the step that the shopper is at. */
export function view() {
  if (state.isApplying) return 'applied';
  const found = shop.coupon();
  return !found ? state.step : isApplied(found) ? 'applied' : 'other';
}
