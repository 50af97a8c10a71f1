// How the widgets look, and whether the page around them is light or dark. Styles are constructed sheets: a page's policy against inline styles does not stop them.

import { config } from './api.js';

const BASE = `
:host{--bg:#fff;--ink:#15202b;--bad:#b3261e;--dim:color-mix(in srgb,var(--ink) 72%,var(--bg));--line:color-mix(in srgb,var(--ink) 18%,var(--bg));--tint:color-mix(in srgb,var(--a) 9%,var(--bg));
all:initial;display:block;box-sizing:border-box;color:var(--ink);font:15px/1.4 var(--font,sans-serif)}
:host([dark]){--bg:#1b2127;--ink:#eef2f5;--bad:#ffb4ab}
*{box-sizing:border-box;margin:0;font:inherit;color:inherit}
button{cursor:pointer;border:0;background:none;padding:0;text-align:inherit}
button:focus-visible,input:focus-visible{outline:2px solid;outline-offset:2px}
.main{background:var(--a);color:var(--on);border-radius:8px;min-height:44px;padding:0 16px;font-weight:600;text-align:center}
.main[disabled]{opacity:.6}
.dim{color:var(--dim);font-size:13px}
b{font-weight:650;font-variant-numeric:tabular-nums}
.coin{width:36px;flex:none;border-radius:50%;background:var(--a);color:var(--on);font:20px/36px sans-serif;text-align:center}
@media(prefers-reduced-motion:reduce){*{animation:none!important}}
`;

export const COIN = '<i class="coin" aria-hidden="true">★</i>';

/** The first background behind an element that can be seen; a page without any is white. */
function isDarkAround(element) {
  for (let node = element; node; node = node.parentElement) {
    const [red, green, blue, opacity = 1] = getComputedStyle(node).backgroundColor.match(/[\d.]+/g) || [0, 0, 0, 0];
    if (opacity > 0.5) return red * 0.3 + green * 0.6 + blue * 0.1 < 110;
  }
  return false;
}

export function dress(host, css) {
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(BASE + css);
  root.adoptedStyleSheets = [sheet];
  return root;
}

/** Take the shop's colour and font, and the page's light or dark. The portal checks colours when staff choose them, and finds the one that can be read on the accent. */
export function blend(host, around) {
  const colours = config().colours || {};
  host.style.cssText = `--a:${colours.accent};--on:${colours.on};--font:${getComputedStyle(around).fontFamily}`;
  host.toggleAttribute('dark', colours.theme === 'dark' || (colours.theme !== 'light' && isDarkAround(around)));
}

const ESCAPED = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (text) => String(text).replace(/[&<>"]/g, (mark) => ESCAPED[mark]);
