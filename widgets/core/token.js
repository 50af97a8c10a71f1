// The only thing kept in the browser: the proof that the phone is the shopper's, and until when it counts. It goes with the tab.

const NAME = 'bonus_token';

export const keepToken = (token, seconds) => write(JSON.stringify({ token, until: Date.now() + seconds * 1000 }));

export function readToken() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME));
    if (kept.until > Date.now()) return kept.token;
  } catch (error) {
    // None, or not ours.
  }
  dropToken();
  return null;
}

export const dropToken = () => write(null);

function write(value) {
  try {
    value ? sessionStorage.setItem(NAME, value) : sessionStorage.removeItem(NAME);
  } catch (error) {
    // Storage is forbidden or full: the shopper proves the phone again on the next page.
  }
}
