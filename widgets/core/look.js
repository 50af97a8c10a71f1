// How the widgets look, and whether the page around them is light or dark. Styles are constructed sheets: a page's policy against inline styles does not stop them.

import { config } from './api.js';
import BASE from './base.css';

export const COIN = '<i class="coin" aria-hidden="true">★</i>';

/** The first background behind an element that can be seen; a page without any is white. */
function isDarkAround(element) {
  for (let node = element; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (colour[0] !== 'r') return false; // oklch() and its like: nobody's dark
    const [red, green, blue, opacity = 1] = colour.match(/[\d.]+/g);
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
  const colours = config.colours;
  host.style.cssText = `--a:${colours.accent};--on:${colours.on};--font:${getComputedStyle(around).fontFamily}`;
  host.toggleAttribute('dark', colours.theme === 'dark' || (colours.theme !== 'light' && isDarkAround(around)));
}

export const escape = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt()};`);
