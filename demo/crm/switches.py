"""Every way in which live accounts differ or misbehave, as one value with documentation. The modules that do the work look at it."""

from dataclasses import dataclass
from typing import ClassVar

from demo.switching import Groups, SwitchSet, switch

GROUPS: Groups = {
    "speed": ("Ліміт, швидкість, збої", "Limit, speed, faults"),
    "shapes": ("Форма відповідей", "Shape of answers"),
    "buyers": ("Покупці", "Buyers"),
    "orders": ("Замовлення", "Orders"),
    "webhooks": ("Вебхуки", "Webhooks"),
}


@dataclass(frozen=True)
class Switches(SwitchSet):
    """The defaults are the CRM as its description and live integrations show it. "First N" counts from when a switch was turned last."""

    GROUPS: ClassVar[Groups] = GROUPS

    limit_per_minute: int = switch(
        60, "Запитів за хвилину (0: без ліміту)", "Calls a minute (0: no limit)", group="speed"
    )
    retry_after: bool = switch(True, "429 каже, скільки чекати", "429 carries Retry-After", group="speed")
    slow_seconds: float = switch(0.0, "Затримка кожної відповіді, с", "Every answer waits, s", group="speed")
    slow_after_write_seconds: float = switch(
        0.0, "Затримка після запису, с", "Writes are done, then the answer waits, s", group="speed"
    )
    errors_first: int = switch(
        0, "Перші N запитів: 503, нічого не зроблено", "First N calls: 503, nothing done", group="speed"
    )
    errors_after_write_first: int = switch(
        0, "Перші N записів: зроблено, а відповідь 500", "First N writes: done, then 500", group="speed"
    )
    not_json_first: int = switch(
        0, "Перші N запитів: сторінка замість JSON", "First N calls: a page instead of JSON", group="speed"
    )
    key_refused: bool = switch(False, "Ключ не приймається (401)", "The key is refused (401)", group="speed")
    dates: str = switch("spaces", "Дати", "Dates", group="shapes", choices=("spaces", "iso"))
    numbers_as_text: bool = switch(False, "Суми як текст", "Amounts as text", group="shapes")
    nulls: bool = switch(False, "Порожні дати як null", "Empty dates as null, not left out", group="shapes")
    card_as_page: bool = switch(
        False, "Картка приходить як сторінка списку", "One card comes as a page of a list", group="shapes"
    )
    pipelines_off: bool = switch(False, "Воронки вимкнено (400)", "Pipelines are switched off (400)", group="shapes")
    phone_stored: str = switch(
        "plus",
        "Телефони зберігаються як",
        "Phones are stored as",
        group="buyers",
        choices=("plus", "digits", "as_sent"),
    )
    phone_filter: str = switch(
        "exact", "Пошук за телефоном", "Search by phone", group="buyers", choices=("exact", "by_digits")
    )
    name_required: bool = switch(
        True, "Оновлення покупця без імені: 422", "Updating a buyer without a name: 422", group="buyers"
    )
    new_orders_missing_from_updated: bool = switch(
        False,
        "Незмінені замовлення не видно в updated_between",
        "Untouched orders are missing from updated_between",
        group="orders",
    )
    webhooks: bool = switch(True, "Надсилати вебхуки", "Send webhooks", group="webhooks")
    webhook_copies: int = switch(1, "Скільки разів надсилати кожен", "How often each is sent", group="webhooks")
    webhook_disorder: bool = switch(
        False, "Старіші приходять після новіших", "Older ones arrive after newer ones", group="webhooks"
    )
    webhook_lost_every: int = switch(
        0, "Кожен N-й губиться (0: жоден)", "Every N-th is lost (0: none)", group="webhooks"
    )
