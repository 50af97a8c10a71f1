// From what is known to what is shown. The height changes only with the shopper's own click: a view that needs less keeps the space (`isTall`).

import { config } from '../core/api.js';
import { COIN, escape } from '../core/look.js';
import * as shop from '../core/shop.js';
import { clock, day, words } from '../core/words.js';
import { isLive, isUnknown, state, view } from './state.js';

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

export const phoneTyped = () => state.phone ?? (shop.phoneField()?.value || '');

const field = (id, name, input, button, why) =>
  `<label for="${id}">${text(name)}</label><div class="line"><input id="${id}" data-focus aria-describedby="why" ${input}><button class="main">${text(button)}</button></div>${dim(why, ' id="why"')}`;

const STEPS = {
  phone: () => form('send', field('phone', 'phone', 'type="tel" autocomplete="tel"', 'send', text('phoneWhy'))),
  code: () =>
    form('confirm', field('code', 'code', 'inputmode="numeric" autocomplete="one-time-code"', 'confirm', text('codeWhy', { phone: state.phone }))) +
    `<p class="links">${link('again')}${config.channels.includes('email') ? link('mail') : ''}${link('back', 'change')}</p>`,
  points() {
    const { purse, hold } = state;
    if (!purse) return '<p class="bones"></p>';
    const have = text('have', { points: purse.available }).replace(/\d[\d\u00a0]*/, '<b>$&</b>');
    const back = hold ? `<p class="back">${text(isLive() ? 'waiting' : 'returning', { points: hold.points })} ${link('reuse')}${isLive() ? ` ${link('giveBack', 'remove')}` : ''}</p>` : '';
    const last = purse.payable.length - 1;
    if (isLive() || last < 0) {
      return `<p class="have">${have}</p>${hold ? '' : dim(purse.available ? text('little') : text('none', { points: willEarn() }))}${back}`;
    }
    const soon = purse.expiring?.[0];
    const label = `aria-label="${text('amount')}"`;
    return (
      form('pay', `<p class="have">${have} <span class="dim">${text('use', { max: purse.payable[last] })}</span></p><div class="line"><input id="slide" type="range" max="${last}" ${label}><span class="number"><input id="number" data-focus inputmode="numeric" ${label}>грн</span></div><button class="main wide"></button>`) +
      (back || (soon ? dim(text('expiring', { points: soon.points, day: day(soon.last_day) })) : ''))
    );
  },
};

function willEarn() {
  return Math.floor(((shop.sumNow() || 0) * config.rate) / 10000);
}

export function draw() {
  const { hold, told, isBusy, isApplying } = state;
  const seen = view();
  const isOpen = seen in STEPS;
  const canOpen = isOpen || seen === 'closed';
  const isOurs = seen === 'applied';
  const said = plain(told?.name, told?.values);
  const section = part('section');
  section.className = `${seen}${state.isTall ? ' tall' : ''}${told?.isBad ? ' bad' : ''}`;
  section.setAttribute('aria-busy', !!isBusy);

  const title = text(isOurs ? 'bonus' : canOpen ? 'title' : 'other');
  fill('.title', canOpen ? `<button type="button" class="open" data-do="toggle" aria-expanded="${isOpen}" aria-controls="panel">${title}</button>` : title);
  fill('.sub', (!isOpen && escape(said)) || (isOurs ? (isApplying ? text('busy') : hold.expires_at ? text('valid', { time: clock(hold.expires_at) }) : '') : canOpen ? isUnknown() ? text('session_required') : text('hint', { share: config.share }) : text('otherWhy')));
  fill('.end', isOurs ? `<b class="off">−${hold.points} грн</b>${isApplying ? '' : link('remove')}` : canOpen ? '<i class="arrow"></i>' : '');
  if (fill('.panel', isOpen ? STEPS[seen]() : '') && seen === 'phone') part('#phone').value = phoneTyped();
  if (seen === 'points') choose(state.points ?? Infinity);
  // Where the keyboard was goes on: the same field, else what took its place.
  const { focused } = state;
  if (focused && document.activeElement === document.body) {
    (focused.isConnected ? focused : (focused.id && part(`#${focused.id}`)) || part('[data-do=remove]') || part('.open'))?.focus({ preventScroll: true });
  } else if (!isBusy && document.activeElement !== root.host) state.focused = null;
  part('.message').textContent = isOpen ? said : '';
  const live = part('.live');
  if (live.textContent !== said) live.textContent = said;
}

/** Slider, number and button agree on one amount of the list. */
function choose(points) {
  const slide = part('#slide');
  if (!slide) return;
  const number = part('#number');
  const { payable } = state.purse;
  const place = payable.filter((each) => each <= points).length - 1;
  state.points = payable[place] || 0;
  slide.value = place;
  const label = plain('pay', { points: state.points });
  slide.ariaValueText = label;
  part('.main').textContent = label;
  number.value = state.typed ?? state.points;
}

export function tell(name, values, isBad = false) {
  state.told = { name, values, isBad };
  part('.live').textContent = ''; // what is said twice is read out twice
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
  if (input.id === 'slide') {
    state.typed = null;
    choose(state.purse.payable[input.value]);
  }
  if (input.id === 'number') {
    const asked = parseInt(input.value.replace(/\s/g, '')) || 0;
    state.typed = input.value;
    choose(asked);
    if (!isFinal || !state.points || !input.isConnected) return;
    state.typed = null;
    choose(asked);
    if (state.points === asked) return;
    tell('snapped', { points: state.points });
    // The Enter that brought it here does not pay.
    state.isSnapped = true;
    setTimeout(() => (state.isSnapped = false));
  }
}
