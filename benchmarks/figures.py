"""A measured ratio, whether it meets its target, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Ours may not be slower than this part of theirs (both are rates)."""

    bound: float

    def is_met_by(self, ratio: float) -> bool:
        return ratio >= self.bound

    def __str__(self) -> str:
        return f"≥ {self.bound:g}"


@dataclass(frozen=True, slots=True)
class AtMost:
    """Ours may not be larger than this many times theirs (both are times, or counts)."""

    bound: float

    def is_met_by(self, ratio: float) -> bool:
        return ratio <= self.bound

    def __str__(self) -> str:
        return f"≤ {self.bound:g}"


Target = AtLeast | AtMost


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `theirs` in `unit`; `ratio` is ours to theirs. Without a target it is there for comparison only."""

    name: str
    ours: float
    theirs: float
    ratio: float
    target: Target | None
    unit: str

    @property
    def is_missed(self) -> bool:
        return self.target is not None and not self.target.is_met_by(self.ratio)


def figure_of_rounds(
    name: str, ours: Sequence[float], theirs: Sequence[float], *, target: Target | None, unit: str
) -> Figure:
    """Rounds that took turns, as one figure.

    The ratio is the median of the ratios of neighbours, not the ratio of the medians: what else the machine does at a moment slows both of a pair.
    """
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    return Figure(name, median(ours), median(theirs), ratio, target, unit)


HEADINGS = ("", "ours", "theirs", "unit", "ratio", "target", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures as an aligned table, which Markdown understands as well."""
    rows = [HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    numbers = {1, 2, 4}

    def line(row: Sequence[str]) -> str:
        cells = (
            word.rjust(width) if column in numbers else word.ljust(width)
            for column, (word, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join(cells)} |"

    rule = "|".join("-" * (width + 1) + (":" if column in numbers else "-") for column, width in enumerate(widths))
    return "\n".join([line(rows[0]), f"|{rule}|", *(line(row) for row in rows[1:])])


def _row(figure: Figure) -> tuple[str, ...]:
    if figure.target is None:
        target, verdict = "", ""
    else:
        target, verdict = str(figure.target), "missed" if figure.is_missed else "met"
    return (
        figure.name,
        _number(figure.ours),
        _number(figure.theirs),
        figure.unit,
        f"{figure.ratio:.2f}",
        target,
        verdict,
    )


def _number(value: float) -> str:
    """Three significant digits are all that two cores shared with others can tell."""
    if value >= 100:
        return spaced(value)
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spaced(value: float) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}".replace(",", " ")
