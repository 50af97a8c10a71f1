// What the shopper does, and what the page makes us do. Everything that can fail runs through `work`: it is said, and the shop goes on as it is.

import { call, isStillOn, must, readBalance } from '../core/api.js';
import { noteApplied, noteOpened, noteRemoved } from '../core/events.js';
import { asDecimal } from '../core/money.js';
import * as shop from '../core/shop.js';
import { bringNotices } from '../core/telling.js';
import { dropToken, keepToken, readToken } from '../core/token.js';
import { look } from '../checkout.js';
import { draw, focusFirst, go, hasText, leave, part, phoneTyped, tell } from './drawing.js';
import { isApplied, isLive, most, otherDiscounts, state, sumBefore } from './state.js';

const TOKEN_SECONDS = 1770;
const PAUSE_MS = 9000; // before what the page makes us do is tried once more
const asking = {};
const holdPath = () => `/redemptions/${encodeURIComponent(state.hold.id)}`;

/** One deed after the other; asking (`isAsking`) goes on beside it and blocks nobody. */
export async function work(deed, isAsking) {
  const flags = isAsking ? asking : state;
  if (state.isOff || flags.isBusy) return;
  flags.isBusy = true;
  try {
    // Staff may have switched us off since the page was loaded.
    state.isOff = !(await isStillOn());
    if (state.isOff) leave();
    else await deed();
  } catch ({ code, retryAfter }) {
    if (code === 'session_required') {
      dropToken();
      state.purse = null;
      if (state.step !== 'closed') state.step = 'phone';
    }
    if (code === 'phone_invalid') state.step = 'phone';
    // A text has the portal's word for what went wrong as its name; without one, points are not available now.
    const minutes = Math.ceil((retryAfter || 60) / 60);
    state.since = Date.now() + PAUSE_MS;
    tell(minutes > 99 ? 'tomorrow' : hasText(code) ? code : 'down', { minutes }, true);
  }
  flags.isBusy = false;
  look();
}

export const DEEDS = {
  toggle() {
    if (state.step !== 'closed') return go('closed');
    noteOpened('checkout');
    go(readToken() ? 'points' : 'phone');
    focusFirst();
    state.asked = 0;
    return work(load, true);
  },
  send: () => send(),
  again: () => send(state.session),
  mail: () => send(state.session, 'email'),
  back() {
    go('phone');
    focusFirst();
  },
  async confirm() {
    const code = part('#code').value;
    if (!code[5]) return tell('code_wrong', {}, true);
    tell('busy');
    const proof = await call('POST', '/sessions/verify', { session: state.session, code });
    must(proof.token);
    keepToken(proof.token, TOKEN_SECONDS);
    state.told = null;
    bringNotices();
    if (state.step === 'closed') return undefined;
    go('points');
    await load();
    return focusFirst();
  },
  pay: () => redeem(state.points),
  reuse() {
    const max = most();
    return state.hold.points > max ? tell('exceeded', { max }, true) : isLive() ? put() : redeem(state.hold.points);
  },
  giveBack: () => put(true),
  remove: () => takeOff('removed', 'shopper'),
};

/** `before`: the session of an earlier message. Its digits still count where no other message comes. */
async function send(before, channel) {
  // Address books put invisible marks around a number.
  const phone = phoneTyped().replace(/[^\d+]/g, '');
  if (phone.length < 9) return tell('phone_invalid', {}, true);
  state.phone = phone;
  go('code');
  part('#code').value = '';
  focusFirst();
  try {
    state.session = (await call('POST', '/sessions', { phone, channel })).session;
    must(state.session);
  } catch (trouble) {
    if (!before && state.step === 'code') state.step = 'phone';
    throw trouble;
  }
  // Digits that came by a faster way than this answer.
  return part('#code')?.value[5] ? DEEDS.confirm() : undefined;
}

/** Ask the portal what there is. A hold of an earlier page, tab or try comes with it. */
export async function load() {
  const sum = (state.asked = sumBefore());
  if (!readToken()) return;
  state.wasAsked = true;
  const purse = await readBalance(sum === null ? '' : `?order_total=${asDecimal(sum)}&discount=${asDecimal(otherDiscounts())}`);
  if (sum === null) purse.payable = [];
  state.purse = purse;
  if (!state.isApplying) state.hold = purse.redemption;
  draw();
}

async function redeem(points) {
  const sum = sumBefore();
  if (!points) tell('snapped', { points: state.purse.payable[0] }, true);
  if (sum === null || !points) return;
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
    state.points = undefined;
    throw trouble;
  }
  await put();
}

/** `isGiven`: back again. Another tab may have put the code into the cart, and only the shop's form takes it out. */
async function put(isGiven) {
  state.isApplying = true;
  go('closed');
  const isTaken = await shop.applyCode(state.hold);
  state.isApplying = false;
  if (isGiven) return takeOff('removed', 'given_back');
  if (!isTaken) return release('refused', 'refused', true);
  noteApplied(state.hold.points);
  tell('applied', { points: state.hold.points });
  return setTimeout(() => state.told?.name === 'applied' && tell(), 6000);
}

/** Out of the shop's form first: points that come back while the code still counts would be spent twice. */
export async function takeOff(text, why, values) {
  if (!(await shop.removeCode())) throw { code: 'stays' };
  return release(why, text, text !== 'removed', values);
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
  if (!isLive()) return;
  state.due = Math.max(Date.parse(state.hold.expires_at), Date.now() + 60000);
  // A session ends before a hold does: then the hold's own time has to do.
  const { status } = readToken() ? await call('GET', holdPath()) : { status: Date.parse(state.hold.expires_at) > Date.now() && 'open' };
  if (status === 'captured') state.hold = null;
  else if (status !== 'open') isApplied() ? work(() => takeOff('expired', 'time')) : (state.hold.status = 'releasing');
}
