"""Switches of a simulated service as one frozen value: each knows its default, its choices and what it means in Ukrainian and English.

A `SwitchSet` only says what is wrong with the service; the modules that do the work look at it. The page that turns switches is
`templates/switchboard.html`.
"""

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import Any, ClassVar, Self

Groups = Mapping[str, tuple[str, str]]


def switch(default: Any, uk: str, en: str, *, group: str, choices: tuple[str, ...] = (), **more: Any) -> Any:
    """A field of a `SwitchSet`: a bool, a number from 0, or one of `choices`. `more` is what else a service wants to know of its switches."""
    return field(default=default, metadata={"uk": uk, "en": en, "group": group, "choices": choices, **more})


class SwitchSet:
    """The base of a frozen dataclass whose fields are all made by `switch`. `GROUPS` names its groups in both languages."""

    GROUPS: ClassVar[Groups] = {}

    def __post_init__(self) -> None:
        """Raises ValueError for a value that nobody would understand; a typo must not mean "normal"."""
        for one in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value, choices = getattr(self, one.name), one.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(f"{one.name} must be one of {', '.join(choices)}, not {value!r}")
            if isinstance(one.default, bool) != isinstance(value, bool):
                raise ValueError(f"{one.name} takes {type(one.default).__name__}, not {value!r}")
            is_number = isinstance(one.default, int | float)
            if is_number and not (isinstance(value, int | float) and 0 <= value <= 10_000):
                raise ValueError(f"{one.name} takes a number from 0 to 10000, not {value!r}")

    def changed(self) -> dict[str, Any]:
        """The switches that differ from the service as observed."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)  # type: ignore[arg-type]
            if getattr(self, one.name) != one.default
        }

    def with_changes(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some switches turned. Raises ValueError for an unknown name or value."""
        unknown = sorted(set(changes) - {one.name for one in fields(self)})  # type: ignore[arg-type]
        if unknown:
            raise ValueError(f"no such switch: {', '.join(unknown)}")
        return replace(self, **changes)  # type: ignore[type-var]

    @classmethod
    def grouped(cls) -> list[tuple[str, str, list[Any]]]:
        """(Ukrainian name, English name, fields) of each group, for the page."""
        every = fields(cls)  # type: ignore[arg-type]
        return [
            (uk, en, [one for one in every if one.metadata["group"] == name]) for name, (uk, en) in cls.GROUPS.items()
        ]
