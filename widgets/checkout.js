// The checkout's widget: phone, proof, points, amount, and the code into the shop's own coupon form. This file is its life on the page.
// What it shows follows from two truths, the portal's answer (balance, hold) and the page (sum, coupon), read again whenever either may have changed.

import { config } from './core/api.js';
import { noteSeen } from './core/events.js';
import { blend, dress } from './core/look.js';
import { placeCalmly } from './core/placing.js';
import * as shop from './core/shop.js';
import { bringNoticesLater } from './core/telling.js';
import { readToken } from './core/token.js';
import { DEEDS, askHold, load, release, setTimer, takeOff, work } from './checkout/deeds.js';
import { draw, frame, go, typed } from './checkout/drawing.js';
import CSS from './checkout/look.css';
import { isApplied, isLive, otherDiscounts, state, sumBefore, view } from './checkout/state.js';

const NAME = 'bonus-checkout';
const SETTLES_MS = 1200;
const MOST_RETURNS = 8; // times a second that we come back into a block which somebody else keeps emptying

class Checkout extends HTMLElement {
  constructor() {
    super();
    const root = dress(this, CSS);
    // The shop may throw us out and take us back between two keys: the field that had them gets them again. Who leaves it by themselves is not called back.
    root.addEventListener('focusin', (event) => (state.focused = event.target));
    root.addEventListener('focusout', () => setTimeout(() => this.isConnected && !root.activeElement && (state.focused = null)));
    const act = (element) => {
      const deed = element && DEEDS[element.dataset.do];
      if (!deed || state.isBusy) return;
      state.note = null;
      work(deed);
    };
    root.addEventListener('click', (event) => act(event.target.closest('button[data-do]')));
    root.addEventListener('submit', (event) => {
      event.preventDefault();
      act(event.target);
    });
    root.addEventListener('input', (event) => typed(event.target, false, act));
    root.addEventListener('change', (event) => typed(event.target, true, act));
    // The page listens to keys as well (Enter would order): what is typed here is ours.
    ['keydown', 'keyup', 'keypress', 'input'].forEach((name) => this.addEventListener(name, (event) => event.stopPropagation()));
    frame(root);
  }
}

/** Something on the page has changed: is what we show still true? */
function look() {
  draw();
  if (state.isBusy || state.isOff) return;
  if (!state.wasAsked && readToken() && shop.coupon()) {
    // A coupon that was there before us may be the code of a hold from an earlier page.
    return void work(load).then(look);
  }
  if (!isLive()) return reloadSoon();
  if (isApplied()) {
    if (!state.wasApplied) setTimer();
    state.wasApplied = true;
    const sum = sumBefore();
    const other = otherDiscounts();
    const max = Math.floor(((sum + other) * config.share - other * 100) / 10000);
    if (sum === null || state.hold.points <= max) state.doubt = null;
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
  clearTimeout(state.later);
  state.later = setTimeout(look, SETTLES_MS);
  return false;
}

/** The cart is worth another sum than the one that amounts were asked for. */
function reloadSoon() {
  if (state.step !== 'points' || !state.balance || sumBefore() === state.asked) return;
  clearTimeout(state.sooner);
  state.sooner = setTimeout(() => sumBefore() !== state.asked && work(load), 400);
}

/** Back from another tab, or out of the browser's memory of pages. */
function comeBack() {
  if (!document.hidden && !state.isOff && readToken()) work(isLive() ? askHold : load);
}

/** Keep the widget where it belongs: the shop redraws that block, and other scripts write into it too. */
function settle(widget) {
  let returns = [];
  let isQueued = false;
  const insert = () => {
    const place = shop.around(shop.form());
    if (!place || shop.sumNow() === null) return;
    blend(widget, place);
    place.after(widget);
    draw();
    if (document.activeElement === document.body) state.focused?.focus({ preventScroll: true });
  };
  const come = () => {
    if (!state.wasSeen) {
      placeCalmly(widget, insert, () => {
        state.wasSeen = true;
        noteSeen('checkout');
      });
      return;
    }
    returns = returns.filter((moment) => Date.now() - moment < 1000);
    if (returns.push(Date.now()) > MOST_RETURNS) setTimeout(tell, 1000);
    else insert();
  };
  const tell = () => {
    if (!state.isOff && !widget.isConnected && !widget.isWaiting) come(); // before the browser paints: a redrawn block never shows without us
    if (isQueued) return;
    isQueued = true;
    setTimeout(() => {
      isQueued = false;
      if (widget.isConnected) look();
    }, 80);
  };
  shop.watch(tell);
  // Somebody else's coupon has come into an open widget: it becomes small with the next click, not under the shopper's hand.
  addEventListener('click', () => state.isTall && view() !== state.step && go('closed'), true);
  tell();
  addEventListener('pageshow', (event) => event.persisted && comeBack());
  document.addEventListener('visibilitychange', comeBack);
}

function begin() {
  if (shop.form()) settle(document.createElement(NAME));
  bringNoticesLater();
}

if (!customElements.get(NAME) && config.api) {
  customElements.define(NAME, Checkout);
  document.readyState === 'loading' ? document.addEventListener('DOMContentLoaded', begin) : begin();
}
