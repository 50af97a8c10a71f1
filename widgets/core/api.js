// Calls of the portal. Whatever goes wrong arrives as a Trouble with a word; nothing is ever thrown at the page.

import { dropToken, readToken } from './token.js';

const PATIENCE_MS = 9000;

/** What a failed call throws: a word, and after how many seconds another try may do better. */
const trouble = (code, retryAfter = 0) => ({ code, retryAfter });
const DOWN = 'down';

const widgets = window.BonusWidgets || {};
export const config = widgets.config || {};

/** Send one call. `key` makes a repeat of it harmless, so it is repeated once when no answer came. */
export async function call(method, path, body, key) {
  try {
    return await send(method, path, body, key);
  } catch (failure) {
    if (key && failure.code === DOWN) return send(method, path, body, key);
    throw failure;
  }
}

async function send(method, path, body, key) {
  const headers = { 'Accept-Language': document.documentElement.lang || 'uk' };
  const token = readToken();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  let response;
  let answer;
  try {
    response = await fetch(config.api + path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) });
    answer = await response.json();
  } catch (error) {
    throw trouble(DOWN);
  }
  if (response.ok && answer) return answer;
  if (response.status === 401 && token) {
    dropToken();
    throw trouble('session_required');
  }
  throw trouble(response.status === 429 ? 'too_often' : (response.status < 500 && answer?.code) || DOWN, response.headers.get('Retry-After'));
}

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

/** An answer that is none would otherwise be shown to the shopper as money. */
export function must(isRight) {
  if (!isRight) throw trouble(DOWN);
}

export async function readBalance(query) {
  const answer = await call('GET', '/balance' + query);
  const payable = (answer.payable ??= []);
  const hold = answer.redemption;
  must([answer.available, hold?.points ?? 0].concat(payable).every(isCount));
  payable.sort((a, b) => a - b);
  return answer;
}

/** Read the configuration again when it is older than the minute within which switching off has to work. */
export async function isStillOn() {
  if (Date.now() - widgets.readAt < 45000) return true;
  widgets.readAt = Date.now();
  try {
    const response = await fetch(config.address, { signal: AbortSignal.timeout(3000) });
    return !(await response.json()).off;
  } catch (error) {
    return true; // the call that follows will find out
  }
}
