// Notices: what happened to the points since the shopper last looked, as short texts at the edge of the screen. They cover, never push, and are read out;
// at the left, because shops have the order's button at the right.
// A script of its own, which the others fetch when there is somebody to tell (core/telling.js).

import { call, config, isStillOn } from './core/api.js';
import { blend, dress, escape } from './core/look.js';
import { day, words } from './core/words.js';
import CSS from './toasts.css';

const NAME = 'bonus-toasts';
const MOST = 3;
const STAYS_MS = 9000;
const say = words('notices');

class Toasts extends HTMLElement {
  constructor() {
    super();
    this.list = dress(this, CSS).appendChild(document.createElement('div'));
    this.list.setAttribute('role', 'status');
  }

  add(text) {
    const one = document.createElement('div');
    one.className = 'one';
    one.innerHTML = `<p>${escape(text)}</p><button type="button" aria-label="${escape(say('close'))}">×</button>`;
    const close = () => one.remove();
    one.querySelector('button').onclick = close;
    let alarm = setTimeout(close, STAYS_MS);
    one.onpointerenter = one.onfocusin = () => clearTimeout(alarm);
    one.onpointerleave = () => (alarm = setTimeout(close, STAYS_MS));
    this.list.append(one);
  }
}

/** The portal is told how far was shown only after it was: a page that is closed meanwhile loses nothing. */
async function tell(toasts) {
  const { notices, cursor } = await call('GET', '/notices');
  const texts = notices.map(({ kind, points, last_day: end }) => (Number.isSafeInteger(points) ? say(kind, { points: kind === 'adjusted' ? points : Math.abs(points), day: end ? day(end) : '' }) : ''));
  texts.filter(Boolean).slice(-MOST).forEach((text) => toasts.add(text));
  if (notices.length) await call('POST', '/notices/ack', { cursor });
}

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
