"""Ids, paths, field names and column order of the panel's pages under the present switches. No texts of cells here."""

from dataclasses import dataclass

from demo.panel.switches import Switches

LEGACY_PREFIX = "/adminLegacy"
MOVED_PREFIX = "/adminNext"
CODES_HANDLER = "263"
# What the numbers of every header and filter id move by when `changed_header_ids` is on.
ID_SHIFT = 3350


@dataclass(frozen=True)
class Column:
    """One grid column. `number` is the store's own number of the attribute, part of the element ids."""

    key: str
    title: str
    number: int | None
    sortable: bool = True
    filter: str = ""


CHECK = Column("check", "", 10005, sortable=False)
NUMBER = Column("number", "№", 4700)
ACTIVE = Column("active", "Активний", 4777)
CODE = Column("code", "Код", 4776, filter="search")
AMOUNT = Column("amount", "Розмір знижки", 4778, filter="range")
DATE = Column("date", "Дійсні до", 4779)
ACTIONS = Column("actions", "", None, sortable=False)
KIND = Column("kind", "Тип", 4790, sortable=False)
# Looks like an amount and is none: a reader that goes by position or by "грн" takes the wrong cell.
MINIMUM = Column("minimum", "Мін. замовлення", 4791, sortable=False)
LEFT = Column("left", "Залишилось", 4792, sortable=False)


@dataclass(frozen=True)
class Layout:
    """What the templates need to know about names and places."""

    columns: tuple[Column, ...]
    table_id: str
    id_shift: int
    prefix: str
    field_group: str

    def header_id(self, column: Column) -> str:
        return "" if column.number is None else f"header_id_{column.number + self.id_shift}"

    def filter_id(self, column: Column) -> str:
        return "" if column.number is None else f"sortingBlock_{column.number + self.id_shift}"

    def field(self, name: str) -> str:
        """The form's bracketed field name, for example names[code] or names[brands][]."""
        stem, many = (name[:-2], "[]") if name.endswith("[]") else (name, "")
        return f"{self.field_group}[{stem}]{many}"

    @property
    def grid_path(self) -> str:
        return f"{self.prefix}/data.php?handler={CODES_HANDLER}"

    def form_path(self, code_id: str) -> str:
        return f"{self.prefix}/edit.php?id={code_id}&handler={CODES_HANDLER}&handlertable=h_coupon"

    def save_path(self, code_id: str) -> str:
        return f"{self.prefix}/save.php?id={code_id}&handler={CODES_HANDLER}"


def layout_for(switches: Switches) -> Layout:
    """The layout that these switches give."""
    columns = [CHECK, NUMBER, ACTIVE, CODE, AMOUNT, DATE, ACTIONS]
    if switches.columns_swapped:
        columns = [CHECK, NUMBER, CODE, ACTIVE, DATE, AMOUNT, ACTIONS]
    if switches.columns_inserted:
        columns.insert(columns.index(NUMBER) + 1, KIND)
        columns.insert(columns.index(AMOUNT), MINIMUM)
        columns.insert(columns.index(ACTIONS), LEFT)
    return Layout(
        columns=tuple(columns),
        table_id="couponsGrid" if switches.changed_table_id else "datagrid",
        id_shift=ID_SHIFT if switches.changed_header_ids else 0,
        prefix=MOVED_PREFIX if switches.changed_iframe_path else LEGACY_PREFIX,
        field_group="coupon" if switches.changed_form_fields else "names",
    )
