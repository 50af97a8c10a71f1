// Notices: what happened to the points since the shopper last looked, as short texts at the edge of the screen. They cover, never push, and are read out;
// at the left, because shops have the order's button at the right.
// A script of its own, which the others fetch when there is somebody to tell (core/telling.js).

import { call, config, isStillOn } from './core/api.js';
import { blend, dress, escape } from './core/look.js';
import { day, words } from './core/words.js';
import CSS from './toasts.css';

const NAME = 'bonus-toasts';
const MOST = 3; // at once
const MOST_A_PAGE = 9; // what is left is told on the next one
const STAYS_MS = 9000;
const say = words('notices');

class Toasts extends HTMLElement {
  constructor() {
    super();
    this.list = dress(this, CSS).appendChild(document.createElement('div'));
    this.list.setAttribute('role', 'status');
  }

  /** Resolves when it has gone. */
  add(text) {
    const one = document.createElement('div');
    one.className = 'one';
    one.innerHTML = `<p>${escape(text)}</p><button type="button" aria-label="${escape(say('close'))}">×</button>`;
    this.list.append(one);
    return new Promise((gone) => {
      const close = () => gone(one.remove());
      one.querySelector('button').onclick = close;
      let alarm;
      // Who reads it, with the pointer or the keyboard on it, is given the time again from when they have left.
      const wait = () => {
        clearTimeout(alarm);
        alarm = setTimeout(() => (isUnder || one.matches(':focus-within') ? wait() : close()), STAYS_MS);
      };
      let isUnder = false;
      one.onpointerenter = () => (isUnder = true);
      one.onpointerleave = () => wait((isUnder = false));
      one.addEventListener('focusout', wait);
      wait();
    });
  }
}

const textOf = ({ kind, points, last_day: end }) => (Number.isSafeInteger(points) ? say(kind, { points: kind === 'adjusted' ? points : Math.abs(points), day: end ? day(end) : '' }) : '');

/** The oldest first; one that goes makes room for the next. The portal is told how far was shown only after it was: a page that is closed meanwhile loses nothing. */
async function tell(toasts) {
  const { notices } = await call('GET', '/notices');
  let shown = [];
  let last;
  for (const notice of notices.slice(0, MOST_A_PAGE)) {
    const text = textOf(notice);
    if (text && shown.length === MOST) {
      await acknowledge(last);
      await Promise.race(shown);
    }
    last = notice;
    if (!text) continue;
    const gone = toasts.add(text).then(() => (shown = shown.filter((one) => one !== gone)));
    shown.push(gone);
  }
  if (last) await acknowledge(last);
}

const acknowledge = ({ cursor }) => call('POST', '/notices/ack', { cursor });

async function begin() {
  try {
    if (!(await isStillOn())) return;
    // In the page before its texts: what appears together with its own region is not read out.
    const toasts = document.body.appendChild(document.createElement(NAME));
    blend(toasts, document.body);
    // One tab after the other: the second asks when the first has said how far it showed, and finds nothing left.
    await (navigator.locks ? navigator.locks.request(NAME, () => tell(toasts)) : tell(toasts));
  } catch (trouble) {
    // Notices can wait.
  }
}

if (!customElements.get(NAME) && config.api) {
  customElements.define(NAME, Toasts);
  begin();
}
