// From what is known to what is shown. The height changes only with the shopper's own click: a view that needs less keeps the space (`isTall`).

import { config } from '../core/api.js';
import { COIN, escape } from '../core/look.js';
import * as shop from '../core/shop.js';
import { clock, day, words } from '../core/words.js';
import { isLive, state, view } from './state.js';

const plain = words('checkout');
const text = (name, values) => escape(plain(name, values));
export const hasText = (name) => !!plain(name);
const link = (deed, name = deed) => `<button type="button" class="link" data-do="${deed}">${text(name)}</button>`;
const dim = (html, more = '') => `<p class="dim"${more}>${html}</p>`;
const form = (deed, html) => `<form data-do="${deed}">${html}</form>`;

let root;
export const part = (selector) => root.querySelector(selector);
export const leave = () => root.host.remove();

export function frame(shadow) {
  root = shadow;
  root.innerHTML = `<section aria-label="${text('title')}"><div class="row">${COIN}<div class="words"><p class="title"></p><p class="sub dim"></p></div><div class="end"></div></div><div class="panel" id="panel"></div><p class="message"></p><p class="live" role="status"></p></section>`;
}

/** New HTML only where it differs: what the shopper types, and where the keyboard is, stays. */
function fill(name, html) {
  const element = part(name);
  if (element.drawn === html) return false;
  element.innerHTML = element.drawn = html;
  return true;
}

export const phoneTyped = () => state.phone || shop.phoneField()?.value || '';

const field = (id, name, input, button, why) =>
  `<label for="${id}">${text(name)}</label><div class="line"><input id="${id}" data-focus aria-describedby="why" ${input}><button class="main">${text(button)}</button></div>${dim(why, ' id="why"')}`;

const STEPS = {
  phone: () => form('send', field('phone', 'phone', 'type="tel" autocomplete="tel" maxlength="24"', 'send', text('phoneWhy'))),
  code: () =>
    form('confirm', field('code', 'code', 'inputmode="numeric" autocomplete="one-time-code" maxlength="6"', 'confirm', text('codeWhy', { phone: state.phone }))) +
    `<p class="links">${link('again')}${config.channels.includes('email') ? link('mail') : ''}${link('back', 'change')}</p>`,
  points() {
    const { balance, hold } = state;
    if (!balance) return '<p class="bones"></p>';
    const have = text('have', { points: balance.available }).replace(/\d[\d\u00a0]*/, '<b>$&</b>');
    const back = hold ? `<p class="back">${text(isLive() ? 'waiting' : 'returning', { points: hold.points })} ${link('reuse')}${isLive() ? ` ${link('giveBack', 'remove')}` : ''}</p>` : '';
    const last = balance.payable.length - 1;
    if (isLive() || last < 0) {
      return `<p class="have">${have}</p>${hold ? '' : dim(balance.available ? text('little') : text('none', { points: willEarn() }))}${back}`;
    }
    const soon = balance.expiring?.[0];
    const label = `aria-label="${text('amount')}"`;
    return (
      form('pay', `<p class="have">${have} <span class="dim">${text('use', { max: balance.payable[last] })}</span></p><div class="line"><input id="slide" type="range" max="${last}" ${label}><span class="number"><input id="number" data-focus inputmode="numeric" maxlength="7" ${label}>грн</span></div><button class="main wide"></button>`) +
      (back || (soon ? dim(text('expiring', { points: soon.points, day: day(soon.last_day) })) : ''))
    );
  },
};

function willEarn() {
  return Math.floor(((shop.sumNow() || 0) * config.rate) / 10000);
}

export function draw() {
  const { hold, note, isBusy, isApplying } = state;
  const seen = view();
  const isOpen = seen in STEPS;
  const canOpen = isOpen || seen === 'closed';
  const isOurs = seen === 'applied';
  const said = plain(note?.name, note?.values);
  const held = root.activeElement?.id;
  const section = part('section');
  section.className = `${seen}${state.isTall ? ' tall' : ''}${note?.isBad ? ' bad' : ''}`;
  section.setAttribute('aria-busy', !!isBusy);

  const title = text(isOurs ? 'bonus' : canOpen ? 'title' : 'other');
  fill('.title', canOpen ? `<button type="button" class="open" data-do="toggle" aria-expanded="${isOpen}" aria-controls="panel">${title}</button>` : title);
  fill('.sub', (!isOpen && escape(said)) || (isOurs ? (isApplying ? text('busy') : hold.expires_at ? text('valid', { time: clock(hold.expires_at) }) : '') : canOpen ? text('hint', { share: config.share }) : text('otherWhy')));
  fill('.end', isOurs ? `<b class="off">−${hold.points} грн</b>${isApplying ? '' : link('remove')}` : canOpen ? '<i class="arrow"></i>' : '');
  if (fill('.panel', isOpen ? STEPS[seen]() : '') && seen === 'phone') part('#phone').value = phoneTyped();
  if (seen === 'points') choose(state.points || Infinity);
  if (held && !root.activeElement) part(`#${held}`)?.focus({ preventScroll: true });

  part('.message').textContent = isOpen ? said : '';
  root.querySelectorAll('.main').forEach((button) => (button.disabled = !!isBusy));
  const live = part('.live');
  if (live.textContent !== said) live.textContent = said;
}

/** Slider, number and button agree on one amount of the list. */
export function choose(points, isFinal = true) {
  const slide = part('#slide');
  if (!slide) return;
  const number = part('#number');
  const { payable } = state.balance;
  const place = Math.max(0, payable.filter((each) => each <= points).length - 1);
  state.points = payable[place];
  slide.value = place;
  slide.style.setProperty('--p', `${payable.length > 1 ? (place / (payable.length - 1)) * 100 : 100}%`);
  const label = plain('pay', { points: state.points });
  slide.setAttribute('aria-valuetext', label);
  part('.main').textContent = label;
  if (isFinal && root.activeElement !== number) number.value = state.points;
}

export function tell(name, values, isBad = false) {
  state.note = { name, values, isBad };
  draw();
}

export function go(step) {
  state.step = step;
  state.isTall = step !== 'closed';
  draw();
}

export function focusFirst() {
  (part('[data-focus]') || part('button')).focus({ preventScroll: true });
}

/** While the shopper types or slides. `isFinal`: the field is being left. */
export function typed(input, isFinal, submit) {
  if (input.id === 'phone') state.phone = input.value;
  if (input.id === 'code' && !isFinal) {
    input.value = input.value.replace(/\D/g, '').slice(0, 6);
    if (input.value.length === 6) submit(input.form);
  }
  if (input.id === 'slide') choose(state.balance.payable[input.value]);
  if (input.id === 'number') {
    const asked = Number(input.value.replace(/\D/g, '')) || 0;
    choose(asked, false);
    if (!isFinal) return;
    input.value = state.points;
    if (state.points !== asked) tell('snapped', { points: state.points });
  }
}
