"""The JavaScript that is evaluated inside the panel's pages. Each takes one argument, an object; nothing is ever pasted into a script's text.

They look and report; the few that touch the page (mark, choose, tick) say so. What a report means is decided in Python.
"""

from __future__ import annotations

_PRELUDE = r"""
const plain = text => (text || '').replace(/[\s\u00a0]+/g, ' ').trim();
const all = selector => selector ? Array.from(document.querySelectorAll(selector)) : [];
const shown = node => !!node && node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden';
const anyShown = selector => all(selector).some(shown);
const NOT_TEXT = 'script, style, template, input, select, button, textarea, [hidden]';
const textOf = (node, extras) => {
  if (!node.childElementCount) return node.textContent;
  const copy = node.cloneNode(true);
  copy.querySelectorAll(extras ? NOT_TEXT + ', ' + extras : NOT_TEXT).forEach(one => one.remove());
  return copy.textContent;
};
const headerRow = table => {
  const rows = table.tHead && table.tHead.rows.length ? Array.from(table.tHead.rows)
    : Array.from(table.rows).filter(row => row.querySelector(':scope > th'));
  return rows.sort((a, b) => b.cells.length - a.cells.length)[0] || null;
};
const headersOf = (table, p) => {
  const row = headerRow(table);
  if (!row) return [];
  let at = 0;
  return Array.from(row.cells).map(cell => {
    const one = {id: cell.id, text: plain(textOf(cell, p.headerExtras)), at: at, span: cell.colSpan};
    at += cell.colSpan;
    return one;
  });
};
const bodyRows = table => Array.from(table.tBodies).flatMap(body => Array.from(body.rows)).filter(row => row.cells.length && row.querySelector(':scope > td'));
const isGrid = (table, p) => {
  const headers = headersOf(table, p);
  return p.required.every(column => headers.some(header =>
    (column.id && header.id === column.id) || column.texts.includes(header.text.toLowerCase())));
};
// The table by its selector; where that is gone, the only table that has a code, an amount and a status column.
const findTable = p => {
  const named = document.querySelector(p.table);
  if (named) return named;
  const like = all('table').filter(table => isGrid(table, p));
  return like.length === 1 ? like[0] : null;
};
const dataRows = (table, p) => bodyRows(table).filter(row => !row.matches(p.emptyRow));
"""


def _script(body: str) -> str:
    return f"p => {{{_PRELUDE}{body}}}"


# What is on this page: flags of what can be seen, and how the grid stands. `marked` counts rows marked by MARK_ROWS that are still there.
LOOK = _script(
    r"""
const table = findTable(p);
const rows = table ? dataRows(table, p) : [];
const pager = all(p.pager)[0], total = all(p.total)[0];
const code = all(p.code)[0];
return {
  ready: document.readyState === 'complete',
  mark: document.__portalMark || '',
  password: anyShown(p.password),
  captcha: anyShown(p.captcha),
  factor: anyShown(p.factor),
  form: shown(code),
  errors: all(p.errors).filter(shown).map(node => plain(node.textContent)).filter(Boolean).slice(0, 8),
  invalid: code && code.form && document.__portalMark
    ? Array.from(code.form.querySelectorAll(':invalid')).filter(shown).map(node => node.validationMessage) : [],
  title: document.title,
  // The text is asked for only where nothing is recognised: laying out a long grid for it costs more than the rest of the look.
  text: document.body && !shown(table) && !shown(code) ? plain(document.body.innerText).slice(0, 400) : '',
  grid: table ? {
    shown: shown(table),
    rows: rows.length,
    marked: bodyRows(table).filter(row => row.__portalMark).length,
    busy: anyShown(p.loader),
    pager: pager ? plain(pager.textContent) : '',
    total: total ? plain(total.textContent) : '',
    size: all(p.pageSize)[0] ? all(p.pageSize)[0].value : '',
    last: rows.length ? plain(rows[0].textContent) + '|' + plain(rows[rows.length - 1].textContent) : '',
  } : null,
};
"""
)

# Everything one page of the grid says, in one go. Cells keep their place even where one spans several columns.
READ_GRID = _script(
    r"""
const table = findTable(p);
if (!table) return null;
const pager = all(p.pager)[0], total = all(p.total)[0];
return {
  headers: headersOf(table, p),
  pager: pager ? plain(pager.textContent) : '',
  total: total ? plain(total.textContent) : '',
  size: all(p.pageSize)[0] ? all(p.pageSize)[0].value : '',
  hasNext: anyShown(p.nextPage),
  rows: dataRows(table, p).map(row => {
    const check = row.querySelector(p.rowCheck);
    const id = row.dataset.id || (check && check.value !== 'on' ? check.value : '') || '';
    return {id: id, cells: Array.from(row.cells).flatMap(cell => [textOf(cell), ...Array(cell.colSpan - 1).fill('')])};
  }),
};
"""
)

# Touches the page: properties on the present rows, invisible to it. Rows without the mark have come since.
MARK_ROWS = _script(
    "const table = findTable(p); if (table) bodyRows(table).forEach(row => { row.__portalMark = true; });"
)

# Touches the page: a property on the document. A document without it is another one.
MARK_DOCUMENT = "mark => { document.__portalMark = mark; }"

_FILTER = r"""
const table = findTable(p), row = table && headerRow(table);
let at = 0, cell = null;
for (const one of row ? row.cells : []) { if (at === p.at) cell = one; at += one.colSpan; }
const block = (p.amountFilter && document.querySelector(p.amountFilter)) || cell;
const from = block && block.querySelector(p.filterFrom), to = block && block.querySelector(p.filterTo);
const found = cell && from && to && cell.contains(from);
"""

# The amount column's header cell and the two inputs of its filter, as handles; the inputs may be anywhere in the cell.
FIND_FILTER = _script(_FILTER + "return found ? {cell, from, to} : null;")

# What those two inputs hold.
READ_FILTER = _script(_FILTER + "return found ? [from.value, to.value] : null;")

# Touches the page: ticks the rows asked for by clicking their boxes, clears all other boxes, and reports what is ticked in the end.
TICK_ROWS = _script(
    r"""
const table = findTable(p);
if (!table) return null;
const set = (box, on) => { if (box.checked !== on) box.click(); if (box.checked !== on) { box.checked = on; } };
all(p.masterCheck).forEach(box => { if (box.checked) box.checked = false; });
const rows = dataRows(table, p);
rows.forEach((row, at) => { const box = row.querySelector(p.rowCheck); if (box) set(box, p.wanted.includes(at)); });
return {
  ticked: rows.map((row, at) => { const box = row.querySelector(p.rowCheck); return box && box.checked ? at : -1; }).filter(at => at >= 0),
  elsewhere: all(p.rowCheck).filter(box => box.checked && !rows.some(row => row.contains(box))).length,
  masters: all(p.masterCheck).filter(box => box.checked).length,
};
"""
)

# Touches the page: calls one of its own functions by name. A confirmation that blocks is answered by the dialog listener.
CALL_FUNCTION = "name => { if (typeof window[name] !== 'function') return false; setTimeout(() => window[name](), 0); return true; }"

# Touches the page: chooses every option of the lists but those that mean "none". Reports how many options each has and has chosen.
CHOOSE_ALL = _script(
    r"""
return p.lists.map(selector => {
  const list = document.querySelector(selector);
  if (!list) return null;
  Array.from(list.options).forEach(option => { option.selected = !p.none.includes(option.value); });
  list.dispatchEvent(new Event('input', {bubbles: true}));
  list.dispatchEvent(new Event('change', {bubbles: true}));
  return true;
});
"""
)

# What the form holds at this moment, null for a field that is not there, and what it complains of already. Touches the page where it is asked to `mark` it.
READ_FORM = _script(
    r"""
const value = selector => { const node = document.querySelector(selector); return node ? node.value : null; };
const box = document.querySelector(p.active);
if (p.mark) document.__portalMark = p.mark;
return {
  errors: all(p.errors).filter(shown).map(node => plain(node.textContent)).filter(Boolean),
  code: value(p.code), kind: value(p.kind), amount: value(p.amount), validUntil: value(p.validUntil),
  kinds: Array.from((document.querySelector(p.kind) || {options: []}).options || []).map(option => option.value),
  active: box ? box.checked : null,
  save: !!document.querySelector(p.save),
  lists: p.lists.map(selector => {
    const list = document.querySelector(selector);
    if (!list) return null;
    const real = Array.from(list.options).filter(option => !p.none.includes(option.value));
    return {options: real.length, chosen: real.filter(option => option.selected).length,
            none: Array.from(list.selectedOptions).filter(option => p.none.includes(option.value)).length};
  }),
};
"""
)

# Whether a secret stands readable on the page: in its text, or in an input that does not hide it.
IS_LEAKING = r"""
secrets => {
  const text = document.body ? document.body.innerText : '';
  const open = Array.from(document.querySelectorAll('input:not([type=password]), textarea')).map(node => node.value);
  return secrets.some(secret => secret && (text.includes(secret) || open.some(value => value.includes(secret))));
}
"""
