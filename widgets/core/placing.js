// Coming into a page without pushing what the shopper reads. What moves within half a second of a click or a key is the shopper's own doing.

import { INPUTS } from './telling.js';

const MOST_SHIFT = 0.01;

/** How much of the screen would move, by how much: what browsers call layout shift. */
function shiftOf(element) {
  const { top, height, width } = element.getBoundingClientRect();
  const [high, wide] = [innerHeight, innerWidth];
  if (!height || top >= high || top + height <= 0) return 0;
  const moved = Math.min(high, high - top) * Math.min(width, wide);
  return ((moved / (high * wide)) * height) / Math.max(high, wide);
}

/** Put it in now if nobody will notice, else with the shopper's next click or key. `insert` finds no place on some pages; `arrived` is told once. */
export function placeCalmly(element, insert, arrived) {
  insert();
  if (!element.isConnected) return;
  if (shiftOf(element) <= MOST_SHIFT) return void arrived();
  element.remove();
  element.isWaiting = true;
  const come = () => {
    if (!element.isWaiting) return;
    element.isWaiting = false;
    insert();
    arrived();
  };
  INPUTS.forEach((name) => addEventListener(name, come, { once: true, capture: true }));
}
