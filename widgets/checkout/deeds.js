// What the shopper does, and what the page makes us do. Everything that can fail runs through `work`: it is said, and the shop goes on as it is.

import { call, isStillOn, must, readBalance } from '../core/api.js';
import { noteApplied, noteOpened, noteRemoved } from '../core/events.js';
import { asDecimal } from '../core/money.js';
import * as shop from '../core/shop.js';
import { bringNotices } from '../core/telling.js';
import { dropToken, keepToken, readToken } from '../core/token.js';
import { draw, focusFirst, go, hasText, leave, part, phoneTyped, tell } from './drawing.js';
import { isApplied, isLive, otherDiscounts, state, sumBefore } from './state.js';

const TOKEN_SECONDS = 1770;
const holdPath = () => `/redemptions/${encodeURIComponent(state.hold.id)}`;

export async function work(deed) {
  if (state.isBusy) return;
  state.isBusy = true;
  try {
    await deed();
  } catch ({ code, retryAfter }) {
    if (code === 'session_required') {
      dropToken();
      state.balance = null;
      if (state.step !== 'closed') state.step = 'phone';
    }
    if (code === 'phone_invalid') state.step = 'phone';
    // A text has the portal's word for what went wrong as its name; without one, points are not available now.
    tell(hasText(code) ? code : 'down', { minutes: Math.ceil((retryAfter || 60) / 60) }, true);
  }
  state.isBusy = false;
  draw();
}

export const DEEDS = {
  async toggle() {
    if (state.step !== 'closed') return go('closed');
    noteOpened('checkout');
    go(readToken() ? 'points' : 'phone');
    focusFirst();
    if (readToken()) await load();
    return undefined;
  },
  send,
  again: send,
  mail: () => send('email'),
  back() {
    go('phone');
    focusFirst();
  },
  async confirm() {
    const code = part('#code').value;
    if (code.length < 6) return tell('code_wrong', {}, true);
    tell('busy');
    const proof = await call('POST', '/sessions/verify', { session: state.session, code });
    must(proof.token);
    keepToken(proof.token, TOKEN_SECONDS);
    state.note = null;
    go('points');
    await load();
    focusFirst();
    bringNotices();
  },
  pay: () => redeem(state.points),
  reuse: async () => (await mayGoOn()) && (isLive() ? put() : redeem(state.hold.points)),
  giveBack: () => release('given_back', 'removed'),
  remove: () => takeOff('removed', 'shopper'),
};

async function send(channel) {
  const phone = phoneTyped();
  if (phone.replace(/\D/g, '').length < 9) return tell('phone_invalid', {}, true);
  state.phone = phone;
  go('code');
  focusFirst();
  if (!(await mayGoOn())) return undefined;
  const { session } = await call('POST', '/sessions', { phone, channel });
  must(session);
  state.session = session;
  // Digits that came by a faster way than this answer.
  return part('#code').value.length === 6 ? DEEDS.confirm() : undefined;
}

/** Staff may have switched us off since the page was loaded. */
async function mayGoOn() {
  state.isOff = !(await isStillOn());
  if (state.isOff) leave();
  return !state.isOff;
}

/** Ask the portal what there is. A hold of an earlier page, tab or try comes with it. */
export async function load() {
  state.wasAsked = true;
  const sum = sumBefore();
  const balance = await readBalance(sum === null ? '' : `?order_total=${asDecimal(sum)}&discount=${asDecimal(otherDiscounts())}`);
  if (sum === null) balance.payable = [];
  state.asked = sum;
  state.balance = balance;
  if (!state.isApplying) state.hold = balance.redemption;
  draw();
}

async function redeem(points) {
  const sum = sumBefore();
  if (sum === null || !points || !(await mayGoOn())) return;
  const was = state.hold;
  state.hold = { points };
  state.isApplying = true;
  go('closed'); // small at once, while the click still counts as the reason
  try {
    const hold = await call('POST', '/redemptions', { points, order_total: asDecimal(sum), discount: asDecimal(otherDiscounts()) }, crypto.randomUUID());
    must(/^[\w-]{4,40}$/.test(hold.promo_code) && hold.id);
    state.hold = { ...hold, points, status: 'open' };
  } catch (trouble) {
    state.hold = was;
    state.isApplying = false;
    state.points = 0;
    throw trouble;
  }
  await put();
}

async function put() {
  state.isApplying = true;
  go('closed');
  const isTaken = await shop.applyCode(state.hold);
  state.isApplying = false;
  if (!isTaken) return release('refused', 'refused', true);
  noteApplied(state.hold.points);
  tell('applied', { points: state.hold.points });
  setTimeout(() => state.note?.name === 'applied' && tell(), 6000);
  return undefined;
}

/** Out of the shop's form first: points that come back while the code still counts would be spent twice. */
export async function takeOff(text, why, values) {
  return (await shop.removeCode()) ? release(why, text, text !== 'removed', values) : tell('stays', {}, true);
}

export async function release(why, text, isBad, values) {
  const path = holdPath();
  state.wasApplied = false;
  state.hold.status = 'releasing';
  noteRemoved(state.hold.points, why);
  tell(text, values, isBad);
  // No answer: the hold's time ends it. Its points are shown as waiting until then, and can be given back again.
  await call('DELETE', path, undefined, crypto.randomUUID()).catch(() => {});
  if (state.step === 'points') await load();
}

/** The portal's clock decides, not the shopper's: the time may be up, or the code may have been taken off in another tab. */
export async function askHold() {
  if (!isLive() || !readToken()) return;
  const { status } = await call('GET', holdPath());
  if (status === 'open') setTimer(60000);
  else if (status === 'captured') state.hold = null;
  else if (isApplied()) await takeOff('expired', 'time');
  else state.hold.status = 'releasing';
}

export function setTimer(atLeast = 1000) {
  clearTimeout(state.timer);
  const left = Date.parse(state.hold.expires_at) - Date.now();
  if (left < 2e9) state.timer = setTimeout(() => work(askHold), Math.max(left, atLeast));
}
