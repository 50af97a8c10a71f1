// The checkout's widget: phone, proof, points, amount, and the code into the shop's own coupon form. This file is its life on the page.
// What it shows follows from two truths, the portal's answer (balance, hold) and the page (sum, coupon), read again whenever either may have changed.

import { config } from './core/api.js';
import { noteSeen } from './core/events.js';
import { blend, dress } from './core/look.js';
import { placeCalmly } from './core/placing.js';
import * as shop from './core/shop.js';
import { bringNoticesLater } from './core/telling.js';
import { readToken } from './core/token.js';
import { DEEDS, askHold, load, release, takeOff, work } from './checkout/deeds.js';
import { draw, frame, go, tell, typed } from './checkout/drawing.js';
import CSS from './checkout/look.css';
import { isApplied, isLive, isStray, most, state, sumBefore, view } from './checkout/state.js';

const NAME = 'bonus-checkout';
const SETTLES_MS = 1200;
const LOOKS_MS = 5000; // how often it is seen whether a hold's time is over, or the configuration too old
const MOST_RETURNS = 8; // times a second that we come back into a block which somebody else keeps emptying

class Checkout extends HTMLElement {
  constructor() {
    super();
    const root = dress(this, CSS);
    // The shop may throw us out and take us back between two keys: the field that had them gets them again. Who leaves it by themselves is not called back.
    root.addEventListener('focusin', (event) => (state.focused = event.target));
    root.addEventListener('focusout', ({ target }) => setTimeout(() => target.isConnected && !root.activeElement && (state.focused = null)));
    const act = (element) => {
      const name = element?.dataset.do;
      const deed = DEEDS[name];
      if (!deed) return;
      state.told = null;
      // Opening, closing and another number wait for nobody.
      if (/toggle|back/.test(name)) deed();
      else state.isBusy ? tell('busy') : work(deed);
    };
    root.addEventListener('click', (event) => act(event.target.closest('button[data-do]')));
    root.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!state.isSnapped) act(event.target);
    });
    root.addEventListener('input', (event) => typed(event.target, false, act));
    root.addEventListener('change', (event) => typed(event.target, true, act));
    // The page listens to keys as well (Enter would order): what is typed here is ours.
    ['keydown', 'keyup', 'keypress', 'input'].forEach((name) => this.addEventListener(name, (event) => event.stopPropagation()));
    frame(root);
  }
}

/** Something on the page has changed: is what we show still true? */
export function look() {
  draw();
  if (state.isBusy || state.isOff) return;
  // A coupon that was there before us may be the code of a hold from an earlier page.
  if (!state.wasAsked && readToken() && shop.coupon()) return void work(load, true);
  // A code that the shop took when we had given up, or that another tab gave back, ends with its order: out, unless the portal knows better.
  if (isStray()) return void (lasts('stray') && work(async () => (await load(), isStray()) && takeOff('removed', 'late')));
  if (!isLive()) return reloadSoon();
  if (isApplied()) {
    if (!state.wasApplied) state.due = Date.parse(state.hold.expires_at);
    state.wasApplied = true;
    const max = most();
    if (state.hold.points <= max) state.doubt = null;
    else if (lasts(max)) work(() => takeOff('exceeded', 'cart', { max }));
  } else if (state.wasApplied && lasts('gone')) work(() => release('shop', 'removed'));
}

/** Whether it has been so for a while: a block that is being redrawn has no coupon for a moment, and the cart's object knows a new sum before the page does. */
function lasts(doubt) {
  if (state.doubt !== doubt) {
    state.doubt = doubt;
    state.since = Date.now();
  }
  if (Date.now() - state.since >= SETTLES_MS) return true;
  setTimeout(look, SETTLES_MS);
  return false;
}

/** The cart is worth another sum than the one that amounts were asked for. */
function reloadSoon() {
  if (state.step !== 'points' || sumBefore() === state.asked) return;
  clearTimeout(state.sooner);
  state.sooner = setTimeout(work, 400, load, true);
}

/** Back from another tab, or out of the browser's memory of pages. */
function comeBack() {
  if (!document.hidden) work(isLive() ? askHold : load, true);
}

/** Keep the widget where it belongs: the shop redraws that block, and other scripts write into it too. */
function settle(widget) {
  let returns = 0;
  let isQueued = false;
  const insert = () => {
    const place = shop.around(shop.form());
    if (!place || shop.sumNow() === null) return;
    blend(widget, place);
    place.after(widget);
    draw();
  };
  const come = () => {
    if (!state.wasSeen) {
      placeCalmly(widget, insert, () => {
        state.wasSeen = true;
        noteSeen('checkout');
      });
      return;
    }
    if (returns === MOST_RETURNS) return;
    returns++;
    insert();
    setTimeout(() => {
      returns--;
      changed();
    }, 1000);
  };
  const changed = () => {
    if (!state.isOff && !widget.isConnected && !widget.isWaiting) come(); // before the browser paints: a redrawn block never shows without us
    isQueued ||= setTimeout(() => {
      isQueued = 0;
      look();
    }, 80);
  };
  shop.watch(changed);
  // Somebody else's coupon has come into an open widget: it becomes small with the next click, not under the shopper's hand.
  addEventListener('click', () => state.isTall && view() !== state.step && go('closed'), true);
  changed();
  setInterval(() => {
    changed(); // a cart's object that comes late tells nobody
    if (isLive() && Date.now() > state.due) work(askHold, true);
    // Staff may switch us off while nobody does anything here: `work` sees it before whatever it does.
    else if (!document.hidden && widget.isConnected) work(Date, true);
  }, LOOKS_MS);
  addEventListener('pageshow', (event) => event.persisted && comeBack());
  document.addEventListener('visibilitychange', comeBack);
}

function begin() {
  settle(document.createElement(NAME));
  bringNoticesLater();
}

if (!customElements.get(NAME) && config.api) {
  customElements.define(NAME, Checkout);
  document.readyState === 'loading' ? document.addEventListener('DOMContentLoaded', begin) : begin();
}
