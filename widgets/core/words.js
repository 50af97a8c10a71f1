// Texts in the page's language, as the portal's configuration brought them. A word between braces is filled in; `{points}`, when it is a number, comes with its noun.

import { config } from './api.js';
import { grouped } from './money.js';

const { language } = config;

/** `words('checkout')` gives `say(name, values)`. What is missing is empty, never a name in braces. */
export const words = (part) => (name, values = {}) => {
  return (config.texts[part]?.[name] || '').replace(/\{(\w+)\}/g, (whole, key) => {
    const value = values[key];
    return typeof value !== 'number' ? value || '' : key === 'points' ? withNoun(value) : grouped(value);
  });
};

const FORMS = ['one', 'few', 'many', 'other'];

export function withNoun(points) {
  return `${grouped(points)}\u00a0${config.texts.common.points.split('|')[FORMS.indexOf(new Intl.PluralRules(language).select(points))] || ''}`;
}

export const clock = (moment) => new Date(moment).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });

export function day(text) {
  const date = new Date(`${text}T12:00:00`);
  return isNaN(date) ? '' : date.toLocaleDateString(language, { day: 'numeric', month: 'long' });
}
