"""What an administrator would have set up, and a few invented buyers."""

from typing import Any

DEMO_TOKEN = "demo-crm-key"
MOMENT = "2026-01-05T08:00:00.000000Z"


def _status(number: int, name: str, alias: str, group: int, *, closing: bool = False) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "alias": alias,
        "is_active": True,
        "group_id": group,
        "is_closing_order": closing,
        "is_reserved": group in {2, 3, 4},
        "expiration_period": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "deleted_at": None,
    }


STATUSES = [
    _status(1, "Новий", "new", 1),
    _status(2, "Узгодження", "agreement", 2),
    _status(8, "Пакування", "packing", 3),
    _status(10, "Доставка", "delivery", 4),
    _status(12, "Виконано", "completed", 5, closing=True),
    _status(27, "Видано в магазині", "handed_over", 5, closing=True),
    _status(19, "Скасовано", "canceled", 6, closing=True),
    _status(28, "Відмова на пошті", "refused", 6, closing=True),
]
NEW, COMPLETED, CANCELLED = 1, 12, 19
SOURCES: list[dict[str, Any]] = [
    {
        "id": number,
        "name": name,
        "alias": alias,
        "driver": driver,
        "source_uuid": None,
        "source_name": name,
        "currency_code": "UAH",
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    for number, name, alias, driver in (
        (1, "Інтернет-магазин", "store", "horoshop"),
        (2, "Телефон", "phone", "api"),
    )
]
TAGS: list[dict[str, Any]] = [
    {"id": 1, "name": "VIP", "alias": "vip", "color": "#1F7A5C", "created_at": MOMENT, "updated_at": MOMENT},
    {"id": 2, "name": "Подарунок", "alias": "gift", "color": "#B3372F", "created_at": MOMENT, "updated_at": MOMENT},
]


def _field(number: int, name: str, uuid: str, model: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "uuid": uuid,
        "model": model,
        "type": kind,
        "required": False,
        "position": number,
        "is_multiple": False,
        "options": [],
        **more,
    }


# The prefix of a uuid says little: buyers and goods share one.
FIELDS = [
    _field(1, "Бонуси", "CT_1023", "client", "number"),
    _field(2, "Бонуси в резерві", "CT_1034", "client", "number"),
    _field(3, "Бонуси діють до", "CT_1024", "client", "date"),
    _field(4, "Історія бонусів", "CT_1033", "client", "textarea"),
    _field(5, "Бонуси", "CT_1101", "crm_product", "number"),
    _field(6, "Номер замовлення", "LD_1022", "lead", "text"),
    _field(7, "Використати бонуси", "LD_1035", "lead", "number"),
    _field(
        8,
        "Колір пакування",
        "OR_1037",
        "order",
        "select",
        is_multiple=True,
        options=[
            {"id": 1, "field_id": 8, "value": "Білий"},
            {"id": 2, "field_id": 8, "value": "Зелений"},
        ],
    ),
]
PIPELINES = [{"id": 1, "title": "Бонуси"}]
CARD_STATUSES: list[dict[str, Any]] = [
    {"id": 101, "name": "Нова", "alias": "new", "is_active": True, "pipeline_id": 1},
    {"id": 102, "name": "Зарезервувати бонуси", "alias": "reserve", "is_active": True, "pipeline_id": 1},
]
BUYERS: list[dict[str, Any]] = [
    {"full_name": "Олена Приклад", "phone": "+380000000001", "email": "olena@customer.example"},
    {"full_name": "Тарас Зразок", "phone": "+380000000002", "email": "taras@customer.example"},
    {"full_name": "Ірина Вигадана", "phone": "+380000000003", "email": None},
]
GOODS = [
    {"sku": "TEA-100", "name": "Чай гірський, 100 г", "price": "249"},
    {"sku": "MUG-350", "name": "Чашка керамічна", "price": "320"},
    {"sku": "HONEY-1", "name": "Мед липовий, 1 кг", "price": "480"},
    {"sku": "PLAID-1", "name": "Плед вовняний", "price": "1890"},
]
