"""What the panel looks like: selectors, columns, words and waits, as one editable value. The defaults are what was observed.

The rest of the package holds no selector and no word of its own, so a redesign of the panel is an edit of a profile, not of code.
Selectors are plain CSS: they are used inside the page as well as by Playwright. An empty optional selector means "the panel has none".
How a profile is read from JSON, and what is wrong with one, is in `profile_json`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promo.adapters.bon_admin.profile_json import build, problems_of

OPTIONAL = {"optional": True}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the grid. The id is the store's own and changes between stores, so the header's text is known too, in every language seen."""

    header_id: str = field(default="", metadata=OPTIONAL)
    header_texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoginPage:
    username: str = (
        'input[placeholder*="пошта" i], input[placeholder*="логін" i], input[placeholder*="логин" i], '
        'input[placeholder*="mail" i], input[placeholder*="login" i], input[type="email"]'
    )
    # Where no placeholder is recognised: the first text input, as the panel has one.
    username_fallback: str = 'input[type="text"], input:not([type])'
    password: str = 'input[type="password"]'  # noqa: S105  # a selector
    submit: str = 'button[type="submit"], input[type="submit"]'
    error: str = field(default='.error, .errors, .error-message, .alert-danger, [role="alert"]', metadata=OPTIONAL)
    captcha: str = field(
        default='.g-recaptcha, .h-captcha, .cf-turnstile, iframe[src*="captcha" i], input[name*="captcha" i], img[src*="captcha" i]',
        metadata=OPTIONAL,
    )
    second_factor: str = field(
        default='input[autocomplete="one-time-code"], input[name*="otp" i], input[name*="2fa" i], input[name*="factor" i]',
        metadata=OPTIONAL,
    )


@dataclass(frozen=True, slots=True)
class GridPage:
    frame_url_part: str = "adminLegacy/data.php"
    table: str = "table#datagrid"
    empty_row: str = "tr.no-data"
    loader: str = field(default="#datagrid-loader", metadata=OPTIONAL)
    row_check: str = "input.datagrid-check-control"
    master_check: str = field(default="#datagridMasterCheckBox", metadata=OPTIONAL)  # its id exists twice
    add: str = "a.button.add.plus"
    settings: str = field(default=".button.settings", metadata=OPTIONAL)
    page_size: str = field(default="#datagrid-perpage-select", metadata=OPTIONAL)
    reset: str = "#reset_datagrid"
    pager: str = field(default=".datagrid-pager .pages", metadata=OPTIONAL)
    next_page: str = ".datagrid-pager .fl-l.r.active"
    total: str = field(default=".datagrid-pager .total", metadata=OPTIONAL)
    # What stands inside a header cell beside its title.
    header_extras: str = field(default='[id^="sortingBlock"]', metadata=OPTIONAL)
    # Two ways to the amount filter: its own id, else whatever sits inside the amount's header cell.
    amount_filter: str = field(default="#sortingBlock_4778", metadata=OPTIONAL)
    filter_from: str = 'input[name="text1"]'
    filter_to: str = 'input[name="text2"]'
    code: Column = Column("header_id_4776", ("Код", "Code"))
    amount: Column = Column("header_id_4778", ("Розмір знижки", "Размер скидки", "Discount", "Discount amount"))
    status: Column = Column("", ("Активний", "Активный", "Active"))
    valid_until: Column = Column("header_id_4779", ("Дійсні до", "Действительны до", "Valid until"))
    number: Column = Column("", ("№", "ID", "#"))


@dataclass(frozen=True, slots=True)
class CreateForm:
    code: str = 'input[name="names[code]"]'
    kind: str = 'select[name="names[type]"]'
    kind_value: str = "1"  # fixed amount, single use; the other kinds are per cents
    amount: str = 'input[name="names[amount]"]'
    valid_until: str = 'input[name="names[date_limit]"]'
    date_format: str = "%Y-%m-%d"
    # A hidden twin of the same name sends "0": the type is what tells them apart.
    active: str = 'input[type="checkbox"][name="names[active]"]'
    # Left empty these seem to limit a code to nothing, so every option is chosen but those that mean "none".
    choose_all: tuple[str, ...] = ('select[name="names[brands][]"]', 'select[name="names[categories][]"]')
    none_values: tuple[str, ...] = field(default=("0", ""), metadata={"blanks": True})
    save: str = 'input.save-exit-button[type="submit"]'
    error: str = field(
        default='.error, .errors, .error-message, .field-error, .alert-danger, [role="alert"]', metadata=OPTIONAL
    )


@dataclass(frozen=True, slots=True)
class Removal:
    function: str = "removeSelectedGrids"  # a function of the page; called by name, never built into a script
    dialog: str = field(default="#dialog-window", metadata=OPTIONAL)
    confirm: str = field(default=".confirm-modal__button--ok", metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class Words:
    """`active` and `inactive` match a whole cell; the others are looked for inside a text. Letter case never matters.

    The predecessor's tools also took "1" and "0" for statuses; left out, because a shifted column of numbers would then read as statuses.
    """

    active: tuple[str, ...] = ("так", "yes", "активний", "active", "активен", "true", "включен", "enabled", "да")
    inactive: tuple[str, ...] = (
        "ні",
        "no",
        "неактивний",
        "inactive",
        "неактивен",
        "false",
        "выключен",
        "disabled",
        "вимкнено",
        "вимкнений",
        "нет",
    )
    currency: tuple[str, ...] = ("грн", "грн.", "₴", "uah")
    duplicate: tuple[str, ...] = (
        "вже існує",
        "уже існує",
        "уже существует",
        "already exists",
        "already taken",
        "duplicate",
    )
    maintenance: tuple[str, ...] = ("технічні роботи", "технические работы", "maintenance")
    anti_bot: tuple[str, ...] = (
        "checking your browser",
        "just a moment",
        "attention required",
        "перевірка браузера",
        "проверка браузера",
    )


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest wait for each state, in seconds. PanelConfig.wait_seconds caps them all. Nothing waits longer than the state takes."""

    open_seconds: float = 25.0
    login_seconds: float = 20.0
    grid_seconds: float = 20.0
    filter_seconds: float = 10.0
    form_seconds: float = 30.0
    save_seconds: float = 20.0
    delete_seconds: float = 15.0
    anti_bot_seconds: float = 6.0  # how long a challenge may take to pass by itself
    # A grid that shows nothing is believed only when it has shown nothing for this long: some fill late.
    empty_seconds: float = 1.0
    # A complete page with nothing under way and without the expected parts is "not as described", not "slow", after this long.
    settled_seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class PanelProfile:
    """One version of the panel's looks. Frozen: an edit is a new profile with a new `version`."""

    version: str = "observed-1"
    # Headless Chromium names itself so; the predecessor presented itself as a desktop browser. Empty: the browser's own. {major} is its version.
    user_agent: str = field(
        default="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36",
        metadata=OPTIONAL,
    )
    locale: str = "uk-UA"
    date_formats: tuple[str, ...] = ("%d.%m.%Y", "%Y-%m-%d")
    login: LoginPage = LoginPage()
    grid: GridPage = GridPage()
    form: CreateForm = CreateForm()
    removal: Removal = Removal()
    words: Words = Words()
    waits: Waits = Waits()

    def __post_init__(self) -> None:
        """Raises ProfileInvalid naming everything that is wrong, so that no run starts on a profile that cannot work."""
        problems_of(self).raise_if_any()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_json` takes it back."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str | Mapping[str, Any]) -> PanelProfile:
        """A profile from JSON text (or the object it holds). What is left out keeps its default. Raises ProfileInvalid."""
        built: PanelProfile = build(cls, text)
        return built


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
