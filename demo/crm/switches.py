"""Every way in which live accounts differ or misbehave, as one value with documentation. The modules that do the work look at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any


def _switch(default: Any, uk: str, en: str, *, group: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"uk": uk, "en": en, "group": group, "choices": choices})


GROUPS = {
    "speed": ("Ліміт, швидкість, збої", "Limit, speed, faults"),
    "shapes": ("Форма відповідей", "Shape of answers"),
    "buyers": ("Покупці", "Buyers"),
    "orders": ("Замовлення", "Orders"),
    "webhooks": ("Вебхуки", "Webhooks"),
}


@dataclass(frozen=True)
class Switches:
    """The defaults are the CRM as its description and live integrations show it. "First N" counts from when a switch was turned last."""

    limit_per_minute: int = _switch(
        60, "Запитів за хвилину (0: без ліміту)", "Calls a minute (0: no limit)", group="speed"
    )
    retry_after: bool = _switch(True, "429 каже, скільки чекати", "429 carries Retry-After", group="speed")
    slow_seconds: float = _switch(0.0, "Затримка кожної відповіді, с", "Every answer waits, s", group="speed")
    slow_after_write_seconds: float = _switch(
        0.0, "Затримка після запису, с", "Writes are done, then the answer waits, s", group="speed"
    )
    errors_first: int = _switch(
        0, "Перші N запитів: 503, нічого не зроблено", "First N calls: 503, nothing done", group="speed"
    )
    errors_after_write_first: int = _switch(
        0, "Перші N записів: зроблено, а відповідь 500", "First N writes: done, then 500", group="speed"
    )
    not_json_first: int = _switch(
        0, "Перші N запитів: сторінка замість JSON", "First N calls: a page instead of JSON", group="speed"
    )
    key_refused: bool = _switch(False, "Ключ не приймається (401)", "The key is refused (401)", group="speed")
    dates: str = _switch("spaces", "Дати", "Dates", group="shapes", choices=("spaces", "iso"))
    numbers_as_text: bool = _switch(False, "Суми як текст", "Amounts as text", group="shapes")
    nulls: bool = _switch(False, "Порожні дати як null", "Empty dates as null, not left out", group="shapes")
    card_as_page: bool = _switch(
        False, "Картка приходить як сторінка списку", "One card comes as a page of a list", group="shapes"
    )
    pipelines_off: bool = _switch(False, "Воронки вимкнено (400)", "Pipelines are switched off (400)", group="shapes")
    phone_stored: str = _switch(
        "plus",
        "Телефони зберігаються як",
        "Phones are stored as",
        group="buyers",
        choices=("plus", "digits", "as_sent"),
    )
    phone_filter: str = _switch(
        "exact", "Пошук за телефоном", "Search by phone", group="buyers", choices=("exact", "by_digits")
    )
    name_required: bool = _switch(
        True, "Оновлення покупця без імені: 422", "Updating a buyer without a name: 422", group="buyers"
    )
    new_orders_missing_from_updated: bool = _switch(
        False,
        "Незмінені замовлення не видно в updated_between",
        "Untouched orders are missing from updated_between",
        group="orders",
    )
    webhooks: bool = _switch(True, "Надсилати вебхуки", "Send webhooks", group="webhooks")
    webhook_copies: int = _switch(1, "Скільки разів надсилати кожен", "How often each is sent", group="webhooks")
    webhook_disorder: bool = _switch(
        False, "Старіші приходять після новіших", "Older ones arrive after newer ones", group="webhooks"
    )
    webhook_lost_every: int = _switch(
        0, "Кожен N-й губиться (0: жоден)", "Every N-th is lost (0: none)", group="webhooks"
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            value, wanted = getattr(self, one.name), type(one.default)
            if isinstance(value, bool) != (wanted is bool) or not isinstance(
                value, (int, float) if wanted is float else wanted
            ):
                raise ValueError(f"{one.name} must be of type {wanted.__name__}")
            if one.metadata["choices"] and value not in one.metadata["choices"]:
                raise ValueError(f"{one.name} must be one of {', '.join(one.metadata['choices'])}")
            if isinstance(value, (int, float)) and value < 0:
                raise ValueError(f"{one.name} must not be negative")

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}

    def with_changes(self, changes: Mapping[str, Any]) -> "Switches":
        """A copy with some switches turned. Raises ValueError for an unknown name or value."""
        unknown = sorted(set(changes) - {one.name for one in fields(self)})
        if unknown:
            raise ValueError(f"no such switch: {', '.join(unknown)}")
        return replace(self, **changes)
