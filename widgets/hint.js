// What a product or the cart will bring, beside its price. No call of the portal: the rule in force stands in the configuration.

import { config } from './core/api.js';
import { blend, dress, escape } from './core/look.js';
import { parseMoney } from './core/money.js';
import { placeCalmly } from './core/placing.js';
import { bringNoticesLater } from './core/telling.js';
import { words } from './core/words.js';

const NAME = 'bonus-hint';
const MOST_RETURNS = 8; // times a second that we come back to a price beside which somebody else does not want us
const CSS = `:host{display:inline-block;vertical-align:middle;margin:4px 8px;max-width:calc(100% - 16px)}
span{display:inline-flex;gap:6px;align-items:center;padding:3px 10px 3px 4px;border-radius:13px;background:var(--tint);color:var(--ink);font-size:13px;font-weight:600;overflow-wrap:anywhere}
i{width:18px;flex:none;border-radius:50%;background:var(--a);color:var(--on);font:11px/18px sans-serif;text-align:center}`;
// [where the price stands, which text]
const PLACES = [
  ['.product-price__item, [itemprop=price], .j-product-price', 'product'],
  ['.popup.__cart .j-total-sum, #cart-drawer .j-total-sum, .popup.__cart .cart-footer-b, #cart-drawer .cart__total', 'cart'],
];
const say = words('hint');

class Hint extends HTMLElement {
  show(name, price) {
    this.price = price;
    const points = Math.floor((price * config.rate) / 10000);
    this.root = this.root || dress(this, CSS);
    this.root.innerHTML = points ? `<span><i aria-hidden="true">★</i>${escape(say(name, { points }))}</span>` : '';
  }
}

const hints = {};
let returns = [];
let later;

const find = (selector) => Array.from(document.querySelectorAll(selector)).find((element) => element.getClientRects().length);

function look() {
  PLACES.forEach(([selector, name]) => {
    const place = find(selector);
    const price = place && parseMoney(place.getAttribute('content') || place.textContent);
    if (!price) return void hints[name]?.remove(); // a variant that is sold out, a cart that was closed
    const hint = (hints[name] = hints[name] || document.createElement(NAME));
    if (hint.price !== price) hint.show(name, price);
    if (hint.isConnected || hint.isWaiting) return;
    // Where the price stands by then: the shop may have drawn it anew while the hint waited.
    const insert = () => {
      const now = find(selector);
      if (!now) return;
      blend(hint, now);
      // A row that the shop has spread over its width would be spread anew with one more part: below it, then.
      const row = now.parentElement;
      (name === 'cart' && /flex|grid/.test(getComputedStyle(row).display) ? row : now).after(hint);
    };
    if (!hint.wasSeen) {
      hint.wasSeen = true;
      return placeCalmly(hint, insert, () => {});
    }
    returns = returns.filter((moment) => Date.now() - moment < 1000);
    if (returns.length < MOST_RETURNS) {
      returns.push(Date.now());
      return insert();
    }
    clearTimeout(later);
    later = setTimeout(look, 1000);
  });
}

function begin() {
  let isQueued = false;
  look();
  bringNoticesLater();
  new MutationObserver(() => {
    if (isQueued) return;
    isQueued = true;
    requestAnimationFrame(() => {
      isQueued = false;
      look();
    });
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}

if (!customElements.get(NAME) && config.rate && config.hint) {
  customElements.define(NAME, Hint);
  document.readyState === 'loading' ? document.addEventListener('DOMContentLoaded', begin) : begin();
}
