// Staff's connection test, in place of a widget: does the page get the widget's script, and may it call the API as widgets do? Then back to the portal.

import { config } from './core/api.js';

const { back, scripts } = config.trial;
const end = (failed) => location.replace(back + (failed ? `&no=${failed}` : ''));

async function callTheApi() {
  try {
    // With the headers that make browsers ask first. Nobody's token: the right answer is a refusal that can be read.
    const headers = { Authorization: 'Bearer trial', 'Content-Type': 'application/json', 'Idempotency-Key': 'a-trial-of-the-connection' };
    const answer = await (await fetch(`${config.api}/notices`, { headers, signal: AbortSignal.timeout(9000) })).json();
    end(answer.code === 'session_required' ? '' : 'api');
  } catch (error) {
    end('api');
  }
}

const script = document.createElement('script');
script.crossOrigin = 'anonymous';
// The tags leave their names: one of them has brought us.
Object.assign(script, scripts[Object.keys(scripts).find((name) => window.BonusWidgets[name])]);
script.onload = callTheApi;
script.onerror = () => end('widget');
document.head.append(script);
