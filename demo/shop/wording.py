"""The shop's texts in Ukrainian, Russian and English, and amounts as Ukrainians write them. No HTML here."""

from decimal import Decimal

LANGUAGES = ("uk", "ru", "en")

# One row for each text: Ukrainian, Russian, English.
_TEXTS: dict[str, tuple[str, str, str]] = {
    "shop": ("Крамниця «Ластівка»", "Магазин «Ласточка»", "The Swallow shop"),
    "motto": ("Речі з гір для теплої оселі", "Вещи с гор для тёплого дома", "Mountain-made things for a warm home"),
    "motto_more": (
        "Кераміка, льон, чай і мед від майстрів, яких ми знаємо на ім’я.",
        "Керамика, лён, чай и мёд от мастеров, которых мы знаем по имени.",
        "Ceramics, linen, tea and honey from makers we know by name.",
    ),
    "catalogue": ("Каталог", "Каталог", "Catalogue"),
    "cart": ("Кошик", "Корзина", "Cart"),
    "cart_empty": ("Кошик порожній", "Корзина пуста", "The cart is empty"),
    "buy": ("Купити", "Купить", "Buy"),
    "in_stock": ("В наявності", "В наличии", "In stock"),
    "article": ("Артикул", "Артикул", "Article"),
    "to_checkout": ("Оформити замовлення", "Оформить заказ", "Check out"),
    "go_on": ("Продовжити покупки", "Продолжить покупки", "Go on shopping"),
    "remove": ("Видалити", "Удалить", "Remove"),
    "quantity": ("Кількість", "Количество", "Quantity"),
    "checkout": ("Оформлення замовлення", "Оформление заказа", "Checkout"),
    "recipient": ("Контактні дані", "Контактные данные", "Contact details"),
    "name": ("Ім’я та прізвище", "Имя и фамилия", "Name"),
    "phone": ("Телефон", "Телефон", "Phone"),
    "email": ("Ел. пошта", "Эл. почта", "E-mail"),
    "city": ("Місто", "Город", "Town"),
    "delivery": ("Доставка", "Доставка", "Delivery"),
    "choose": ("Оберіть…", "Выберите…", "Choose…"),
    "warehouse": ("Відділення", "Отделение", "Branch"),
    "address": ("Адреса", "Адрес", "Address"),
    "payment": ("Оплата", "Оплата", "Payment"),
    "comment": ("Коментар до замовлення", "Комментарий к заказу", "Comment"),
    "your_order": ("Ваше замовлення", "Ваш заказ", "Your order"),
    "products_sum": ("Товарів на суму", "Товаров на сумму", "Goods"),
    "promo_code": ("Промокод", "Промокод", "Promo code"),
    "promo_add": ("Додати промокод", "Добавить промокод", "Add a promo code"),
    "apply": ("Застосувати", "Применить", "Apply"),
    "certificate": ("Подарунковий сертифікат", "Подарочный сертификат", "Gift certificate"),
    "coupon_discount": ("Знижка за купоном", "Скидка по купону", "Coupon discount"),
    "customer_discount": ("Знижка постійного клієнта", "Скидка постоянного клиента", "Regular customer’s discount"),
    "by_carrier": ("за тарифами перевізника", "по тарифам перевозчика", "as the carrier charges"),
    "free": ("безкоштовно", "бесплатно", "free"),
    "total": ("Разом", "Итого", "Total"),
    "with_delivery": ("з доставкою", "с доставкой", "with delivery"),
    "place_order": ("Підтвердити замовлення", "Подтвердить заказ", "Place the order"),
    "accepted": ("Дякуємо! Замовлення прийнято", "Спасибо! Заказ принят", "Thank you! Your order is accepted"),
    "order": ("Замовлення", "Заказ", "Order"),
    "buyer": ("Покупець", "Покупатель", "Buyer"),
    "call_soon": (
        "Ми зателефонуємо, щойно зберемо посилку.",
        "Мы позвоним, как только соберём посылку.",
        "We will call as soon as the parcel is packed.",
    ),
    "paid_later": ("До сплати", "К оплате", "To pay"),
    "fault_name": ("Вкажіть ім’я", "Укажите имя", "Tell us your name"),
    "fault_phone": ("Вкажіть телефон повністю", "Укажите телефон полностью", "Tell us the whole phone number"),
    "fault_delivery": ("Оберіть спосіб доставки", "Выберите способ доставки", "Choose a way to deliver"),
    "fault_place": (
        "Оберіть відділення або вкажіть адресу",
        "Выберите отделение или укажите адрес",
        "Choose a branch or tell us the address",
    ),
    "fault_city": ("Оберіть місто зі списку", "Выберите город из списка", "Choose a town from the list"),
    "fault_coupon": (
        "Промокод уже недійсний. Ми прибрали його: перевірте суму і підтвердьте ще раз.",
        "Промокод уже недействителен. Мы убрали его: проверьте сумму и подтвердите ещё раз.",
        "The promo code is no longer valid. We took it off: look at the total and confirm again.",
    ),
    "fault_unreachable": (
        "Не вдалося перевірити промокод. Спробуйте за хвилину.",
        "Не удалось проверить промокод. Попробуйте через минуту.",
        "We could not check the promo code. Try again in a minute.",
    ),
    "refused_unknown_code": ("Промокод не знайдено", "Промокод не найден", "No such promo code"),
    "refused_inactive": ("Промокод уже використано", "Промокод уже использован", "The promo code has been used"),
    "refused_expired": ("Строк дії промокоду минув", "Срок действия промокода истёк", "The promo code has expired"),
    "refused_limited": (
        "Промокод не діє на ці товари",
        "Промокод не действует на эти товары",
        "The promo code does not cover these goods",
    ),
    "refused_over_total": (
        "Сертифікат більший за суму замовлення",
        "Сертификат больше суммы заказа",
        "The certificate is above the order’s total",
    ),
    "refused_empty_cart": ("Кошик порожній", "Корзина пуста", "The cart is empty"),
    "refused_off": ("Промокоди вимкнено", "Промокоды выключены", "Promo codes are off"),
    "only_left": ("Залишилось лише", "Осталось только", "Only so many left:"),
    "mobile_version": ("Мобільна версія", "Мобильная версия", "Mobile version"),
    "desktop_version": ("Повна версія", "Полная версия", "Full version"),
    "invented": (
        "Вигадана крамниця: товари, ціни та люди тут не справжні.",
        "Выдуманный магазин: товары, цены и люди здесь ненастоящие.",
        "An invented shop: goods, prices and people are not real.",
    ),
    "menu_delivery": ("Доставка завтра по Києву", "Доставка завтра по Киеву", "Next-day delivery in Kyiv"),
    "hello_phone": ("0 800 000 000, щодня 9–20", "0 800 000 000, ежедневно 9–20", "0 800 000 000, daily 9–20"),
}


def text(key: str, language: str) -> str:
    """One text. Raises KeyError for a key or a language that does not exist."""
    return _TEXTS[key][LANGUAGES.index(language)]


_NBSP, _NARROW = "\u00a0", "\u202f"


def money(amount: Decimal, style: str = "nbsp") -> str:
    """1900 as "1 900 грн", in one of the ways that stores have; kopecks only when there are any, unless the style says so."""
    between = {"space": " ", "narrow": _NARROW, "apostrophe": "’"}.get(style, _NBSP)
    whole_only = amount == amount.to_integral_value() and style not in ("two_places", "dot")
    written = f"{amount:,.0f}" if whole_only else f"{amount:,.2f}"
    if style == "dot":
        return f"{written.replace(',', '')} грн"
    written = written.replace(",", "\0").replace(".", ",").replace("\0", between)
    return f"{written}{_NBSP}₴" if style == "symbol" else f"{written}{' ' if style == 'space' else _NBSP}грн"


def minus(amount: Decimal, style: str = "nbsp") -> str:
    """A discount: with an en dash and a space, as the store writes it."""
    return f"– {money(amount, style)}"
