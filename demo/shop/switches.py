"""Every variant of the real store that a script on its pages may meet, and every trouble, as one value."""

from dataclasses import dataclass

from demo.switching import SwitchSet, switch


@dataclass(frozen=True)
class Switches(SwitchSet):
    """The defaults are the store as it was observed. Times are in seconds."""

    GROUPS = {
        "page": ("Сторінки", "Pages"),
        "coupon": ("Купон і суми", "Coupon and totals"),
        "ajax": ("AJAX і перемальовування", "AJAX and re-rendering"),
        "tags": ("Менеджер тегів і dataLayer", "Tag manager and dataLayer"),
        "trouble": ("Перешкоди", "Troubles"),
        "orders": ("Замовлення в CRM", "Orders to the CRM"),
    }

    layout: str = switch(
        "user_agent",
        "Розмітка: за User-Agent, завжди десктоп чи завжди мобільна",
        "HTML: by User-Agent, always desktop, always mobile",
        group="page",
        choices=("user_agent", "desktop", "mobile"),
    )
    default_language: str = switch(
        "uk",
        "Мова без префікса (інша: /ru/ або /ua/)",
        "The language without a prefix (the other one: /ru/ or /ua/)",
        group="page",
        choices=("uk", "ru"),
    )
    thank_you_theme: str = switch(
        "new", "Тема сторінки подяки", "Theme of the thank-you page", group="page", choices=("new", "old")
    )
    old_submit: bool = switch(
        False, "Кнопка замовлення старої теми (span)", "Order button of the old theme (span)", group="page"
    )
    jquery: bool = switch(True, "jQuery на сторінці", "jQuery on the page", group="page")

    coupon_form: bool = switch(True, "Поле для промокоду є", "There is a coupon form", group="coupon")
    coupon_refused: bool = switch(False, "Жоден промокод не приймається", "No coupon is accepted", group="coupon")
    certificate_over_total: str = switch(
        "capped",
        "Сертифікат, більший за суму",
        "A certificate above the total",
        group="coupon",
        choices=("capped", "refused"),
    )
    coupon_skips_discounted: bool = switch(
        False, "Купон не діє на товари зі знижкою", "Coupons leave discounted goods out", group="coupon"
    )
    customer_discount_percent: int = switch(
        0, "Знижка постійного клієнта, %", "Regular customer's discount, %", group="coupon"
    )
    money_format: str = switch(
        "nbsp",
        "Вигляд сум",
        "Amounts look like",
        group="coupon",
        choices=("nbsp", "space", "narrow", "two_places", "dot", "apostrophe", "symbol"),
    )

    ajax_seconds: float = switch(0.0, "Кошик відповідає через, с", "The cart answers after, s", group="ajax")
    ajax_fails: bool = switch(False, "Кошик відповідає 500", "The cart answers 500", group="ajax")
    ajax_cart: str = switch(
        "there",
        "Об’єкт AjaxCart",
        "The AjaxCart object",
        group="ajax",
        choices=("there", "late", "missing"),
    )
    csrf_every_call: bool = switch(
        False, "Токен CSRF змінюється з кожним викликом", "The CSRF token changes with every call", group="ajax"
    )
    coupon_resets_delivery: bool = switch(
        False, "Купон скидає вибір доставки", "A coupon resets the delivery choice", group="ajax"
    )
    whole_rerender: bool = switch(
        False,
        "Перемальовується вся форма, а не лише підсумок",
        "The whole form is re-rendered, not only the summary",
        group="ajax",
    )

    gtm: str = switch(
        "once",
        "Менеджер тегів",
        "Tag manager",
        group="tags",
        choices=("off", "once", "twice", "late"),
    )
    gtm_hint: bool = switch(False, "Тег підказки — на всіх сторінках", "The hint's tag, on every page", group="tags")
    data_layer: str = switch(
        "off",
        "Події dataLayer: немає, GA4, старі, gtag",
        "dataLayer events: none, GA4, old, gtag",
        group="tags",
        choices=("off", "ga4", "universal", "gtag"),
    )
    data_layer_seconds: float = switch(0.0, "…через, с після завантаження", "…after, s from the load", group="tags")

    challenge: bool = switch(
        False,
        "Сторінка проти ботів: кука challenge_passed і перезавантаження",
        "Anti-bot page: sets challenge_passed and reloads",
        group="trouble",
    )
    csp: str = switch(
        "none",
        "Заголовок CSP",
        "CSP header",
        group="trouble",
        choices=("none", "allows", "blocks_api", "blocks_script", "blocks_style"),
    )
    rival: str = switch(
        "none",
        "Чужий скрипт у блоці промокоду: витирає чуже, лізе першим, переписує HTML, міняє тексти",
        "Another script in the coupon block: wipes strangers, pushes in first, rewrites the HTML, changes texts",
        group="trouble",
        choices=("none", "wipes", "pushes_in", "rewrites", "retexts"),
    )
    slow_seconds: float = switch(0.0, "Кожна сторінка через, с", "Every page after, s", group="trouble")

    crm_sends: bool = switch(True, "Передавати замовлення в CRM", "Send orders to the CRM", group="orders")
    crm_delay_seconds: float = switch(0.0, "…через, с", "…after, s", group="orders")
    crm_number_sign: bool = switch(
        True, "Номер у CRM зі знаком #", "The number in the CRM has a # sign", group="orders"
    )
