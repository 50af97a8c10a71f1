// What the checkout's widget knows, and what follows from it together with the page. There is one widget on a page.

import { config } from '../core/api.js';
import * as shop from '../core/shop.js';
import { readToken } from '../core/token.js';

// step: closed, phone, code, points · phone · session · purse (the balance) · hold {id, promo_code, points, expires_at, status} · points: chosen ·
// typed: an amount on its way · told {name, values, isBad} · due: when a hold's time is to be asked about · isTall · isBusy · isApplying · isOff · isSnapped ·
// focused: where the keyboard was · what the page was like when it was last looked at
export const state = { step: 'closed' };

/** Whether the hold's code can still be in a cart. */
export const isLive = () => state.hold && state.hold.status !== 'releasing';

const isOurs = (found) => found && state.hold && shop.isOurs(found, state.hold);

/** Whether our code is the coupon on the cart. */
export const isApplied = (found = shop.coupon()) => isLive() && isOurs(found);

/** Whether the coupon is the code of a hold that has ended. */
export const isStray = () => !isLive() && isOurs(shop.coupon());

/** Whether the coupon is a code of ours of which only the portal can say whose it is. */
export function isUnknown(found = shop.coupon()) {
  return found && !state.hold && !readToken() && /\bBON\d/.test(found.code || found.text);
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

/** How many points may be on this cart. */
export function most() {
  const sum = sumBefore();
  const other = otherDiscounts();
  return sum === null ? Infinity : Math.max(0, Math.floor(((sum + other) * config.share - other * 100) / 10000));
}

/** Which view is true now: the page's coupon goes before the step that the shopper is at. */
export function view() {
  const found = shop.coupon();
  return state.isApplying || isApplied(found) ? 'applied' : !found || isUnknown(found) ? state.step : 'other';
}
