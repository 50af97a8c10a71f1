// Short notices at the edge of the screen: they cover, never push, and are read out.

import { blend, dress, escape } from './look.js';

const CSS = `
:host{position:fixed;z-index:2147483000;right:16px;bottom:16px;width:min(360px,calc(100vw - 32px));pointer-events:none}
div.one{pointer-events:auto;display:flex;gap:12px;align-items:flex-start;margin-top:10px;padding:12px 14px;border-radius:12px;background:var(--bg);color:var(--ink);border:1px solid var(--line);border-left:4px solid var(--a);box-shadow:0 8px 28px rgb(0 0 0/.18);animation:in .25s ease-out}
.one p{flex:1;min-width:0;overflow-wrap:anywhere}
.one button{width:28px;height:28px;margin:-4px -6px -4px 0;border-radius:6px;font-size:20px;line-height:1;text-align:center;color:var(--dim)}
@media(max-width:980px){:host{bottom:auto;top:16px}}
@keyframes in{from{opacity:0;transform:translateY(12px)}}
`;
const STAYS_MS = 9000;

class Toasts extends HTMLElement {
  constructor() {
    super();
    this.list = dress(this, CSS).appendChild(document.createElement('div'));
    this.list.setAttribute('role', 'status');
    this.list.setAttribute('aria-live', 'polite');
  }
}
customElements.get('bonus-toasts') || customElements.define('bonus-toasts', Toasts);

/** Ready before it is needed: what appears together with its own region is not read out. */
export function prepareToasts() {
  let toasts = document.querySelector('bonus-toasts');
  if (!toasts) {
    toasts = document.body.appendChild(document.createElement('bonus-toasts'));
    blend(toasts, document.body);
  }
  return toasts;
}

export function toast(text, closeWord) {
  const one = document.createElement('div');
  one.className = 'one';
  one.innerHTML = `<p>${escape(text)}</p><button type="button" aria-label="${escape(closeWord)}">×</button>`;
  const close = () => one.remove();
  one.querySelector('button').onclick = close;
  let alarm = setTimeout(close, STAYS_MS);
  one.onpointerenter = one.onfocusin = () => clearTimeout(alarm);
  one.onpointerleave = () => (alarm = setTimeout(close, STAYS_MS));
  prepareToasts().list.append(one);
}
