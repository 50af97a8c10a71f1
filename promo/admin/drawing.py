"""Small pictures and figures for staff pages, as values that templates draw: bars, ages, the last two weeks. No HTML of its own but the badge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString

SPARK_HEIGHT = 24
SPARK_STEP = 6


@dataclass(frozen=True, slots=True)
class SparkBar:
    """One day: position and height in the picture's own units (24 high, 6 a day), the day and its number for the tooltip."""

    x: int
    y: float
    height: float
    day: dt.date
    number: int


def draw_spark(numbers: Sequence[int], *, last_day: dt.date) -> list[SparkBar]:
    """Bars of the given days, oldest first. A day with anything at all is seen, however high its neighbours are."""
    highest = max(numbers, default=0)
    bars = []
    for at, number in enumerate(numbers):
        height = max(3.0, round(number / highest * SPARK_HEIGHT, 1)) if number else 1.0
        day = last_day - dt.timedelta(days=len(numbers) - 1 - at)
        bars.append(SparkBar(x=at * SPARK_STEP, y=SPARK_HEIGHT - height, height=height, day=day, number=number))
    return bars


def percent_of(part: int, whole: int) -> int:
    """0 to 100; more than the whole is 100."""
    return 0 if whole <= 0 else max(0, min(100, round(part * 100 / whole)))


def draw_badge(text: str | Promise, colour: str = "", *, icon: str = "") -> SafeString:
    """A badge in one of the theme's colours."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "variant": colour, "size": "md", "icon": icon})
