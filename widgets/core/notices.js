// What happened since the shopper last looked, as toasts. The portal is told how far was shown only after it was.

import { call } from './api.js';
import { toast } from './toast.js';
import { day, words } from './words.js';

const MOST = 3;
const say = words('notices');

export async function showNotices() {
  try {
    const { notices, cursor } = await call('GET', '/notices');
    const texts = notices.map(({ kind, points, last_day: end }) => (Number.isSafeInteger(points) ? say(kind, { points: kind === 'adjusted' ? points : Math.abs(points), day: end ? day(end) : '' }) : ''));
    texts.filter(Boolean).slice(-MOST).forEach((text) => toast(text, say('close')));
    if (notices.length) await call('POST', '/notices/ack', { cursor });
  } catch (trouble) {
    // Notices can wait.
  }
}
