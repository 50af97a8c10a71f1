// Fetching the script that shows notices: once a page, only for a shopper who has proved the phone, and never before they do something.

import { config } from './api.js';
import { readToken } from './token.js';

export const INPUTS = ['keydown', 'click'];
let isAsked;

export function bringNotices() {
  if (isAsked || !readToken()) return;
  isAsked = true;
  const script = document.createElement('script');
  script.crossOrigin = 'anonymous';
  Object.assign(script, config.scripts.toasts);
  document.head.append(script);
}

export const bringNoticesLater = () => INPUTS.forEach((name) => addEventListener(name, bringNotices, { once: true, capture: true }));
