"""How hard the codes of a pool are to guess, in words: bits, guesses for one hit, and how long that takes at the limit in force."""

from __future__ import annotations

import math

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bonusportal.limits import Rate, read_rate

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400


def say_strength(*, amount_uah: int, bits: float | None, guesses: float) -> str:
    """One sentence; empty where no code lies ready."""
    if bits is None or math.isinf(guesses):
        return ""
    rate = read_rate(settings.RATE_LIMITS["get_code_address"])
    seconds = guesses * rate.seconds / rate.amount
    return _(
        "%(amount)d UAH: %(bits)s bits, one hit in about %(guesses)s guesses, %(time)s for one address at %(rate)s."
    ) % {
        "amount": amount_uah,
        "bits": number_format(round(bits, 1), 1),
        "guesses": say_large(guesses),
        "time": say_time(seconds),
        "rate": _say_rate(rate),
    }


def _say_rate(rate: Rate) -> str:
    words = {1: _("%(n)d a second"), _MINUTE: _("%(n)d a minute"), _HOUR: _("%(n)d an hour"), _DAY: _("%(n)d a day")}
    return words[rate.seconds] % {"n": rate.amount}


def say_large(number: float) -> str:
    """Digits up to a million, a power of ten above."""
    if number < 1_000_000:
        return number_format(round(number), 0, force_grouping=True)
    power = math.floor(math.log10(number))
    return f"{number_format(round(number / 10**power, 1), 1)} · 10{str(power).translate(_RAISED)}"


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def say_time(seconds: float) -> str:
    """The largest unit that fits, rounded."""
    if seconds < _HOUR:
        n = max(1, round(seconds / _MINUTE))
        return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}
    if seconds < _DAY:
        n = round(seconds / _HOUR)
        return ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}
    if seconds < _YEAR:
        n = round(seconds / _DAY)
        return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}
    years = round(seconds / _YEAR)
    return ngettext("%(n)s year", "%(n)s years", years) % {"n": say_large(years)}
