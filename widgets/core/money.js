// Amounts as Ukrainian shops write them: "1 250,50 грн", "1.250,50", "1’250.5 ₴", "– 60 грн". Kopiykas, or null: a guess would let somebody overpay.

const LIKE_ONE = /[-–−]?\s*\d[\d\s'’.,]*/;
// One or two digits after the last mark are kopiykas; three are thousands, whichever mark stands before them.
const AMOUNT = /^([-–−]?)\s*(\d{1,3}(?:[\s'’.,]\d{3})+|\d+)(?:[.,](\d\d?))?[\s.,]*$/;
const LARGEST = 1e9;

export function parseMoney(text) {
  // A number is one: only in texts three digits behind a mark are thousands.
  const found = AMOUNT.exec(LIKE_ONE.exec(text?.toFixed?.(2) ?? text));
  if (!found) return null;
  const kopiykas = Number(found[2].replace(/\D/g, '') + (found[3] || '').padEnd(2, '0'));
  return kopiykas > LARGEST ? null : found[1] ? -kopiykas : kopiykas;
}

/** What the portal is sent: "1250.50". */
export const asDecimal = (kopiykas) => (kopiykas / 100).toFixed(2);

/** 12345 → "12 345", with spaces that do not break. */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
