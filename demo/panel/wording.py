"""How one code reads in the grid: status words, amounts, dates, padding, by the switches. No markup here."""

from decimal import Decimal

from demo.panel.records import KIND_LABELS, PanelCode
from demo.panel.switches import Switches

NO_BREAK_SPACE = "\u00a0"
NARROW_NO_BREAK_SPACE = "\u202f"

# (active, inactive). Under "sentences" the second contains the first as a part; "unknown" tells neither from the other.
STATUS_WORDS = {
    "uk": ("Так", "Ні"),
    "ru": ("Да", "Нет"),
    "en": ("Yes", "No"),
    "sentences": ("Активний", "Неактивний (використано)"),
    "unknown": ("На перевірці", "На перевірці"),
    "some_unknown": ("Так", "Ні"),
}
UNKNOWN_WORD = "На перевірці"


def status_word(row: PanelCode, switches: Switches) -> str:
    """The word in the "active" column. Under some_unknown every third row, by its number, has a word of its own."""
    if switches.status_words == "some_unknown" and row.id % 3 == 0:
        return UNKNOWN_WORD
    return STATUS_WORDS[switches.status_words][0 if row.active else 1]


def amount_text(row: PanelCode, switches: Switches) -> str:
    """The "discount size" cell: hryvnias for a certificate, per cent otherwise."""
    if not row.is_certificate:
        return f"{_plain(row.amount)} %"
    look = switches.amount_format
    if look == "decimal":
        return f"{row.amount:.2f}".replace(".", ",") + " ₴"
    if look == "nbsp":
        return f"{_plain(row.amount)}{NO_BREAK_SPACE}грн"
    if look == "grouped":
        return f"{_grouped(row.amount, ' ')} грн"
    if look == "grouped_nbsp":
        return f"{_grouped(row.amount, NARROW_NO_BREAK_SPACE)},00{NO_BREAK_SPACE}грн"
    return f"{_plain(row.amount)} грн"


def date_text(row: PanelCode, switches: Switches) -> str:
    """The "valid until" cell; empty for a code without a limit."""
    if row.date_limit is None or switches.date_format == "empty":
        return ""
    if switches.date_format == "iso":
        return row.date_limit.isoformat()
    return row.date_limit.strftime("%d.%m.%Y")


def code_text(row: PanelCode, switches: Switches) -> str:
    # A no-break space survives the browser's own trimming; an ordinary one would vanish from the visible text.
    return f" {row.code}{NO_BREAK_SPACE} " if switches.codes_padded else row.code


def cell_texts(row: PanelCode, switches: Switches) -> dict[str, str]:
    """The text of every cell of a row by column key, except the check box and the actions."""
    return {
        "number": str(row.id),
        "active": status_word(row, switches),
        "code": code_text(row, switches),
        "amount": amount_text(row, switches),
        "date": date_text(row, switches),
        "kind": KIND_LABELS.get(row.kind, row.kind).split(" ")[0],
        "minimum": "200 грн" if row.is_certificate else "500 грн",
        "left": str(row.quantity),
    }


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def _grouped(amount: Decimal, separator: str) -> str:
    return f"{int(amount):,}".replace(",", separator)
