"""Every way in which the simulated panel can misbehave, as one value with documentation, and a seeded random combiner.

The switches only say what is wrong; the modules that do the work (gate, grid, wording, views) look at them. Each field
carries its meaning in Ukrainian and English, its allowed values, and the values that `mutate` may give it.
"""

import random
from dataclasses import dataclass, fields
from typing import Any

from demo.switching import SwitchSet, switch


def _switch(
    default: Any,
    uk: str,
    en: str,
    *,
    group: str,
    choices: tuple[str, ...] = (),
    mutations: tuple[Any, ...] = (),
    blocks: bool = False,
) -> Any:
    """`blocks`: a robot stops here and asks for a person (or, for totp, must know the secret).
    `mutations`: what the random combiner may choose; none means that it leaves the switch alone.
    """
    return switch(default, uk, en, group=group, choices=choices, mutations=mutations, blocks=blocks)


@dataclass(frozen=True)
class Switches(SwitchSet):
    """The defaults are the panel as it was observed. Times are in seconds."""

    GROUPS = {
        "speed": ("Швидкість і доступність", "Speed and availability"),
        "login": ("Вхід і сесія", "Login and session"),
        "layout": ("Розмітка", "Layout"),
        "wording": ("Тексти в таблиці", "Texts in the grid"),
        "grid": ("Фільтри та сторінки", "Filters and pages"),
        "writes": ("Збереження і видалення", "Saving and deleting"),
    }

    slow_seconds: float = _switch(
        0.0, "Затримка кожної відповіді, с", "Every answer waits, s", group="speed", mutations=(0.05, 0.3)
    )
    slow_grid_seconds: float = _switch(
        0.0, "Затримка лише таблиці, с", "Only grid reloads wait, s", group="speed", mutations=(0.3, 1.5)
    )
    maintenance: bool = _switch(
        False, "Технічні роботи (503)", "Maintenance page (503)", group="speed", mutations=(True,), blocks=True
    )
    maintenance_after_requests: int = _switch(
        0,
        "Технічні роботи після N запитів (0: ніколи)",
        "Maintenance page after N requests (0: never)",
        group="speed",
        mutations=(6, 12, 25),
        blocks=True,
    )
    challenge: bool = _switch(
        False,
        "Сторінка проти ботів: кука challenge_passed і перезавантаження",
        "Anti-bot page: sets challenge_passed and reloads",
        group="speed",
        mutations=(True,),
    )
    password_refused: bool = _switch(
        False, "Пароль не приймається", "Password is refused", group="login", mutations=(True,), blocks=True
    )
    captcha: bool = _switch(
        False, "Капча на вході", "Captcha on the login form", group="login", mutations=(True,), blocks=True
    )
    second_factor: str = _switch(
        "none",
        "Другий фактор",
        "Second factor",
        group="login",
        choices=("none", "totp", "sms"),
        mutations=("totp", "sms"),
        blocks=True,
    )
    session_requests: int = _switch(
        0,
        "Сесія вмирає після N запитів (0: ніколи)",
        "A session dies after N requests (0: never)",
        group="login",
        mutations=(15, 25, 40),
    )
    session_ends_at_save: int = _switch(
        0,
        "Сесія вмирає на N-му збереженні, нічого не записавши (0: ніколи)",
        "Sessions die at the N-th save, which stores nothing (0: never)",
        group="login",
        mutations=(1, 2, 4),
    )
    changed_header_ids: bool = _switch(
        False, "Інші id заголовків і фільтрів", "Header and filter ids changed", group="layout", mutations=(True,)
    )
    changed_table_id: bool = _switch(False, "Інший id таблиці", "Table id changed", group="layout", mutations=(True,))
    changed_iframe_path: bool = _switch(
        False, "Інша адреса iframe", "Iframe path changed", group="layout", mutations=(True,)
    )
    changed_form_fields: bool = _switch(
        False, "Інші назви полів форми", "Form field names changed", group="layout", mutations=(True,)
    )
    columns_swapped: bool = _switch(
        False, "Стовпці переставлено", "Columns change places", group="layout", mutations=(True,)
    )
    columns_inserted: bool = _switch(
        False, "Зайві стовпці", "Extra columns inserted", group="layout", mutations=(True,)
    )
    status_words: str = _switch(
        "uk",
        "Слова стану",
        "Status words",
        group="wording",
        choices=("uk", "ru", "en", "sentences", "unknown", "some_unknown"),
        mutations=("ru", "en", "sentences", "unknown", "some_unknown"),
    )
    amount_format: str = _switch(
        "plain",
        "Вигляд суми",
        "Amounts look like",
        group="wording",
        choices=("plain", "decimal", "nbsp", "grouped", "grouped_nbsp"),
        mutations=("decimal", "nbsp", "grouped", "grouped_nbsp"),
    )
    date_format: str = _switch(
        "dotted",
        "Вигляд дати",
        "Dates look like",
        group="wording",
        choices=("dotted", "iso", "empty"),
        mutations=("iso", "empty"),
    )
    codes_padded: bool = _switch(
        False, "Пробіли навколо коду", "Spaces around codes", group="wording", mutations=(True,)
    )
    other_codes: bool = _switch(
        False, "Чужі коди в таблиці", "Other people's codes in the grid", group="grid", mutations=(True,)
    )
    filter_mode: str = _switch(
        "exact",
        "Фільтр",
        "The filter",
        group="grid",
        choices=("exact", "ignored", "prefix"),
        mutations=("ignored", "prefix"),
    )
    drifting_pages: bool = _switch(
        False, "Рядки перестрибують між сторінками", "Rows drift between pages", group="grid", mutations=(True,)
    )
    grid_empty_at_first: bool = _switch(
        False, "Таблиця спершу порожня", "Grid is empty until its first reload", group="grid", mutations=(True,)
    )
    save_outcome: str = _switch(
        "normal",
        "Збереження",
        "Saving",
        group="writes",
        choices=("normal", "claims_duplicate", "silent_failure", "stored_then_500", "stored_then_hang"),
        mutations=("claims_duplicate", "silent_failure", "stored_then_500", "stored_then_hang"),
    )
    save_outcome_every: int = _switch(
        1, "…на кожному N-му збереженні", "…at every N-th save", group="writes", mutations=()
    )
    hang_seconds: float = _switch(5.0, "…зависає на, с", "…hangs for, s", group="writes", mutations=())
    delete_outcome: str = _switch(
        "normal",
        "Видалення",
        "Deleting",
        group="writes",
        choices=("normal", "silent_failure"),
        mutations=("silent_failure",),
    )
    dialog: str = _switch(
        "native",
        "Підтвердження видалення",
        "Delete confirmation",
        group="writes",
        choices=("native", "modal"),
        mutations=("modal",),
    )
    dialog_texts_changed: bool = _switch(
        False, "Інші тексти підтвердження", "Confirmation texts changed", group="writes", mutations=(True,)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.save_outcome_every < 1:
            raise ValueError("save_outcome_every counts saves and starts at 1")


def mutate(seed: int) -> Switches:
    """One to four harmless-to-nasty switches turned at random; one time in four also one that stops any robot.

    The same seed gives the same switches for ever, so a failing combination can be run again.
    """
    rng = random.Random(seed)
    candidates = [one for one in fields(Switches) if one.metadata["mutations"]]
    passable = [one for one in candidates if not one.metadata["blocks"]]
    chosen = rng.sample(passable, k=rng.randint(1, 4))
    if rng.random() < 0.25:
        chosen.append(rng.choice([one for one in candidates if one.metadata["blocks"]]))
    changes: dict[str, Any] = {one.name: rng.choice(one.metadata["mutations"]) for one in chosen}
    if "save_outcome" in changes:
        changes["save_outcome_every"] = rng.randint(1, 3)
    return Switches(**changes)
