"""What the shop sells, where it delivers and how one pays: invented, in three languages. No carts and no prices of orders here."""

from dataclasses import dataclass, field
from decimal import Decimal

# One text in Ukrainian, Russian and English.
Text = dict[str, str]


def _text(uk: str, ru: str, en: str) -> Text:
    return {"uk": uk, "ru": ru, "en": en}


@dataclass(frozen=True)
class Good:
    """One thing to buy. `stock` bounds the quantity in a cart; brand and category are those of the panel's coupons."""

    id: int
    article: str
    slug: str
    title: Text
    about: Text
    price: Decimal
    category: Text
    old_price: Decimal | None = None
    stock: int = 99
    tint: str = "#efe6d6"
    details: tuple[Text, ...] = field(default=())

    @property
    def is_discounted(self) -> bool:
        return self.old_price is not None


TEA = _text("Чай та кава", "Чай и кофе", "Tea and coffee")
DISHES = _text("Посуд", "Посуда", "Tableware")
GIFTS = _text("Подарунки", "Подарки", "Gifts")
TEXTILE = _text("Текстиль", "Текстиль", "Textile")

GOODS = (
    Good(
        501,
        "LK-501",
        "cups-kosiv",
        _text("Набір чашок «Косів», 6 шт.", "Набор чашек «Косов», 6 шт.", "“Kosiv” cups, set of 6"),
        _text(
            "Розписані вручну чашки зеленої, жовтої та коричневої поливи. Кожна трохи інша.",
            "Расписанные вручную чашки зелёной, жёлтой и коричневой глазури. Каждая немного другая.",
            "Hand-painted cups in green, yellow and brown glaze. No two are quite the same.",
        ),
        Decimal(1900),
        DISHES,
        tint="#e4ecdf",
    ),
    Good(
        502,
        "LK-502",
        "jug-lastivka",
        _text(
            "Глечик керамічний «Ластівка», 1,5 л",
            "Кувшин керамический «Ласточка», 1,5 л",
            "“Swallow” ceramic jug, 1.5 l",
        ),
        _text(
            "Глечик для узвару або молока. Тримає прохолоду, не боїться печі.",
            "Кувшин для компота или молока. Держит прохладу, не боится печи.",
            "For compote or milk. Keeps cool, does not mind the oven.",
        ),
        Decimal("1250.50"),
        DISHES,
        tint="#e0e7ef",
    ),
    Good(
        503,
        "LK-503",
        "coffee-ranok",
        _text("Кава в зернах «Ранок», 1 кг", "Кофе в зёрнах «Утро», 1 кг", "“Morning” coffee beans, 1 kg"),
        _text(
            "Середнє обсмаження, горіх і какао. Смажимо щовівторка.",
            "Средняя обжарка, орех и какао. Жарим каждый вторник.",
            "Medium roast, hazelnut and cocoa. We roast on Tuesdays.",
        ),
        Decimal(899),
        TEA,
        tint="#eadfd3",
    ),
    Good(
        504,
        "LK-504",
        "tea-polonyna",
        _text("Чай трав’яний «Полонина», 100 г", "Чай травяной «Полонина», 100 г", "“Polonyna” herbal tea, 100 g"),
        _text(
            "Чебрець, материнка, липа. Зібрано вище тисячі метрів.",
            "Чабрец, душица, липа. Собрано выше тысячи метров.",
            "Thyme, oregano, linden. Picked above a thousand metres.",
        ),
        Decimal(245),
        TEA,
        tint="#e2eadb",
    ),
    Good(
        505,
        "LK-505",
        "tablecloth-lon",
        _text("Скатертина лляна, 140×220", "Скатерть льняная, 140×220", "Linen tablecloth, 140×220"),
        _text(
            "Щільний льон, підшитий мережкою. М’якшає з кожним пранням.",
            "Плотный лён, подшит мережкой. Мягче с каждой стиркой.",
            "Dense linen with a drawn-thread hem. Softer with every wash.",
        ),
        Decimal(780),
        TEXTILE,
        old_price=Decimal(980),
        tint="#f0e3d8",
    ),
    Good(
        506,
        "LK-506",
        "basket-karpaty",
        _text("Подарунковий кошик «Карпати»", "Подарочная корзина «Карпаты»", "“Carpathians” gift basket"),
        _text(
            "Мед, чай, варення з ожини та дві чашки у плетеному кошику.",
            "Мёд, чай, варенье из ежевики и две чашки в плетёной корзине.",
            "Honey, tea, blackberry jam and two cups in a wicker basket.",
        ),
        Decimal(12340),
        GIFTS,
        tint="#f1e4cf",
    ),
    Good(
        507,
        "LK-507",
        "towel-vafelnyi",
        _text("Рушник вафельний", "Полотенце вафельное", "Waffle towel"),
        _text(
            "Легкий і швидко сохне. Залишилось три.",
            "Лёгкое и быстро сохнет. Осталось три.",
            "Light and quick to dry. Three left.",
        ),
        Decimal(160),
        TEXTILE,
        stock=3,
        tint="#e6e9e4",
    ),
    Good(
        508,
        "LK-508",
        "honey-hirskyi",
        _text("Мед гірський, 0,5 л", "Мёд горный, 0,5 л", "Mountain honey, 0.5 l"),
        _text(
            "Різнотрав’я, цього літа. Кристалізується — і це добре.",
            "Разнотравье, этого лета. Кристаллизуется — и это хорошо.",
            "Wild flowers, this summer’s. It sets, as it should.",
        ),
        Decimal(320),
        TEA,
        tint="#f5e6bd",
    ),
)
BY_ID = {good.id: good for good in GOODS}
BY_ARTICLE = {good.article: good for good in GOODS}
BY_SLUG = {good.slug: good for good in GOODS}


@dataclass(frozen=True)
class Delivery:
    """A way to deliver. `price` None: as the carrier charges, outside the order. `has_warehouses`: a branch must be chosen."""

    key: str
    title: Text
    price: Decimal | None = None
    has_warehouses: bool = False
    has_address: bool = False


DELIVERIES = (
    Delivery(
        "nova",
        _text("Пошта «Нова дорога», відділення", "Почта «Нова дорога», отделение", "“Nova Doroha” post, branch"),
        has_warehouses=True,
    ),
    Delivery(
        "courier", _text("Кур’єр по місту", "Курьер по городу", "Courier in town"), price=Decimal(90), has_address=True
    ),
    Delivery(
        "pickup", _text("Самовивіз із крамниці", "Самовывоз из магазина", "Pick up at the shop"), price=Decimal(0)
    ),
)
DELIVERY_BY_KEY = {one.key: one for one in DELIVERIES}

CITIES = {
    "101": _text("Київ", "Киев", "Kyiv"),
    "102": _text("Львів", "Львов", "Lviv"),
    "103": _text("Одеса", "Одесса", "Odesa"),
    "104": _text("Косів", "Косов", "Kosiv"),
}


def warehouses(city_id: str) -> dict[str, Text]:
    """The branches of a town, by id; none for a town that we do not know."""
    if city_id not in CITIES:
        return {}
    return {
        f"{city_id}{number:02d}": _text(
            f"Відділення №{number}, вул. Вигадана, {number * 7}",
            f"Отделение №{number}, ул. Выдуманная, {number * 7}",
            f"Branch No. {number}, {number * 7} Vyhadana St",
        )
        for number in (1, 2, 5)
    }


PAYMENTS = {
    "cod": _text("Оплата при отриманні", "Оплата при получении", "Cash on delivery"),
    "card": _text("Карткою на сайті", "Картой на сайте", "By card on the site"),
}
