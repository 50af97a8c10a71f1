// The thank-you page: the order is reported once, and a card says what it will bring. The card covers the page's edge instead of pushing what is being read.

import { call, config, must } from './core/api.js';
import { noteEarned, noteSeen } from './core/events.js';
import { COIN, blend, dress, escape } from './core/look.js';
import { asDecimal, grouped } from './core/money.js';
import { isPaidWith, phoneOnPage, readOrder } from './core/order.js';
import { bringNotices } from './core/telling.js';
import { readToken } from './core/token.js';
import { withNoun, words } from './core/words.js';
import CSS from './thankyou.css';

const NAME = 'bonus-thankyou';
const LOOKS = 12; // the shop's own events may come a moment later
const BETWEEN_MS = 250;
const COUNTS_MS = 900;

class ThankYou extends HTMLElement {
  show(points, spent) {
    const say = words('thankyou');
    const text = (name, values) => escape(say(name, values));
    const root = dress(this, CSS);
    const sparks = Array.from({ length: 10 }, (_, at) => at * 36);
    // The number stands out, wherever in whichever text it is: its place is kept while the text around it is made harmless.
    const number = grouped(points);
    const title = text('earned', { points: '{points}' }).replace(/(\+?)\{points\}/g, (_, plus) => `<b>${plus}${number}</b>${escape(withNoun(points).slice(number.length))}`);
    const more = [say('when'), spent ? say('spent', { points: spent }) : ''].filter(Boolean).join('. ');
    root.innerHTML = `<section aria-label="${text('earned', { points })}">${sparks.map(() => '<i class="spark"></i>').join('')}${COIN}<div class="words" aria-hidden="true"><p class="title">${title}</p><p class="dim">${escape(more)}</p></div><p class="live" role="status"></p><button type="button" class="close" aria-label="${text('close')}">×</button></section>`;
    root.querySelectorAll('.spark').forEach((spark, at) => spark.style.setProperty('--r', `${sparks[at]}deg`));
    root.querySelector('button').onclick = () => this.remove();
    blend(this, document.body);
    document.body.append(this);
    // Into a region that is there already: then it is read out, once and whole, while the number counts for the eye.
    setTimeout(() => (root.querySelector('.live').textContent = `${say('earned', { points })}. ${more}`), 50);
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) root.querySelectorAll('b').forEach((each) => countUp(each, points));
  }
}

function countUp(number, points) {
  const last = number.textContent;
  const plus = last[0] === '+' ? '+' : '';
  const began = performance.now();
  const step = (now) => {
    const part = Math.min(1, Math.max(0, (now - began) / COUNTS_MS));
    number.textContent = part < 1 ? plus + grouped(Math.round(points * (1 - (1 - part) ** 3))) : last;
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** The mark of an order that was reported travels with the page's place in the history: a reload finds it, storage keeps nothing. */
const marked = () => (history.state && history.state.bonusOrder) || {};
const mark = (order) => history.replaceState({ ...history.state, bonusOrder: order }, '');

async function report(order) {
  const { number, total, delivery, discounts } = order;
  const before = marked();
  if (before.number === number) return before;
  const phone = phoneOnPage();
  if (!readToken() && !phone) return null;
  const body = { order_id: number, total: asDecimal(total), delivery: asDecimal(delivery) };
  let spent = 0;
  if (readToken()) {
    const { redemption } = await call('GET', '/balance').catch(() => ({}));
    // The newest code that may be in a cart is not yet one that was used: named for an order that it did not pay for, its points would be out of reach for days.
    if (redemption && isPaidWith(order, redemption)) {
      body.redemption = redemption.id;
      spent = redemption.points;
      if (!order.coupon) body.discount = asDecimal(-discounts.reduce((sum, each) => sum + each, 0));
    }
  }
  if (!readToken()) body.phone = phone; // none, or it has just turned out to be over
  // Another tab of the same page has the same key, and the portal one claim for an order, however often it is told.
  const { points_expected: points } = await call('POST', '/orders', body, `order-${encodeURIComponent(number)}`);
  must(Number.isSafeInteger(points) && points >= 0);
  mark({ number, points, spent });
  noteEarned(points);
  return { points, spent };
}

async function begin(looks = LOOKS) {
  const order = readOrder();
  if (!order) {
    if (looks) setTimeout(begin, BETWEEN_MS, looks - 1);
    return;
  }
  try {
    // A session that has just ended is no reason to lose the report: the phone on the page then says whose it is.
    const told = await report(order).catch((trouble) => {
      if (trouble.code === 'session_required') return report(order);
      throw trouble;
    });
    if (told && told.points) {
      document.createElement(NAME).show(told.points, told.spent);
      noteSeen('thank_you');
    }
  } catch (trouble) {
    // The order stands without us; the portal learns of it from the CRM.
  }
  bringNotices();
}

if (!customElements.get(NAME) && config.api) {
  customElements.define(NAME, ThankYou);
  document.readyState === 'loading' ? document.addEventListener('DOMContentLoaded', () => begin()) : begin();
}
