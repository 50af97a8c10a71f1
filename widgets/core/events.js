// What analytics may know: GA4's words, amounts in points, and nothing about the person. Codes would be a new value each time: the campaign's name stands for them.

const CAMPAIGN = 'BONUS';
const currency = { virtual_currency_name: CAMPAIGN };

const push = (event) => window.dataLayer?.push?.(event);

const promotion = (event, slot) => {
  push({ ecommerce: null });
  push({ event, ecommerce: { promotion_id: CAMPAIGN, promotion_name: CAMPAIGN, creative_slot: slot } });
};

export const noteSeen = (slot) => promotion('view_promotion', slot);
export const noteOpened = (slot) => promotion('select_promotion', slot);
export const noteApplied = (points) => {
  push({ event: 'spend_virtual_currency', ...currency, value: points, item_name: 'order_discount' });
  push({ event: 'bonus_apply', ...currency, value: points });
};
export const noteRemoved = (points, why) => push({ event: 'bonus_remove', ...currency, value: points, reason: why });
export const noteEarned = (points) => push({ event: 'earn_virtual_currency', ...currency, value: points });
