"""What the tag in the shop's pages fetches before anything else: which script of which version, its hash, texts, colours, or that we are switched off.

Pure but for reading the files of `static/gtm`: what staff chose goes in, a document comes out. Choosing is storefront.services.dressing, answering
storefront.pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage

BUILT = Path(__file__).resolve().parent.parent / "static" / "gtm"
LANGUAGES = ("uk", "ru", "en")
ACCENT = "#0f766e"
# The script of staff's connection test: no page gets it without a token of theirs.
TRIAL = "trial"
THEMES = ("auto", "light", "dark")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LIGHT, _DARK = "#ffffff", "#101418"
# What widgets have behind their accent, by what the page around them is: `--bg` in widgets/core/base.css.
BACKGROUNDS = {"light": "#ffffff", "dark": "#181d23"}


@dataclass(frozen=True, slots=True)
class Look:
    """What staff choose. `texts` replaces single texts: {"uk": {"checkout.title": "…"}}."""

    version: str
    accent: str = ACCENT
    theme: str = "auto"
    shows_hint: bool = False
    is_off: bool = False
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_built(path: str) -> bytes:
    """A file of `static/gtm`. In a package for Lambda the folder is gone: there its files have hashed names among the collected ones."""
    source = BUILT / path
    if source.exists():
        return source.read_bytes()
    with staticfiles_storage.open(staticfiles_storage.stored_name(f"gtm/{path}")) as kept:  # type: ignore[attr-defined] # the manifest's
        content: bytes = kept.read()
    return content


@cache
def versions() -> dict[str, dict[str, str]]:
    """Hashes of the scripts, by version and name, oldest version first."""
    found: dict[str, dict[str, str]] = json.loads(read_built("versions.json"))
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def newest_version() -> str:
    return list(versions())[-1]


@cache
def texts_of(version: str) -> dict[str, dict[str, dict[str, str]]]:
    """Every text of a version: by widget, by name, by language."""
    found: dict[str, dict[str, dict[str, str]]] = json.loads(read_built(f"{version}/texts.json"))
    return found


def language_of(asked: str) -> str:
    """uk, ru or en, from what a page calls its language ("uk-UA"), or from how its path begins ("ru/"); Ukrainian where that says nothing known."""
    said = re.match(r"[a-z]*", asked.lower()).group()  # type: ignore[union-attr] # matches anything
    return said if said in LANGUAGES else "uk"


def configure(
    look: Look,
    *,
    language: str,
    portal: str,
    static_url: Callable[[str], str],
    share_percent: int,
    rate_percent: float,
    channels: Sequence[str],
) -> dict[str, Any]:
    """The document for one page. `portal` is our own origin, without a slash at the end."""
    if look.is_off:
        return {"off": True, "version": look.version}
    return {
        "off": False,
        "version": look.version,
        "address": f"{portal}/widgets/config.json?lang={language}",
        "api": f"{portal}/api/v1",
        "language": language,
        "scripts": {
            name: {"src": static_url(f"gtm/{look.version}/{name}.js"), "integrity": integrity}
            for name, integrity in versions()[look.version].items()
            if name != TRIAL
        },
        "share": share_percent,
        "rate": rate_percent,
        "hint": look.shows_hint,
        "channels": list(channels),
        "colours": {"accent": look.accent, "on": readable_on(look.accent), "theme": look.theme},
        "texts": _texts(look, language),
    }


def try_instead(
    document: dict[str, Any], *, token: str, portal: str, static_url: Callable[[str], str]
) -> dict[str, Any]:
    """The same document for a trial: whichever widget the page wants, it gets the script that tries, and that one the widget's."""
    version = newest_version()
    trial = {"src": static_url(f"gtm/{version}/{TRIAL}.js"), "integrity": versions()[version][TRIAL]}
    return {
        **document,
        "scripts": dict.fromkeys(document["scripts"], trial),
        TRIAL: {"back": f"{portal}/widgets/trial?of={token}", "scripts": document["scripts"]},
    }


def _texts(look: Look, language: str) -> dict[str, dict[str, str]]:
    replaced = look.texts.get(language, {})
    return {
        part: {name: replaced.get(f"{part}.{name}", by_language[language]) for name, by_language in texts.items()}
        for part, texts in texts_of(look.version).items()
    }


def is_colour(text: str) -> bool:
    return _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """As the accessibility guidelines count it: 1 for the same colour, 21 for black on white."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable_on(accent: str) -> str:
    """White or nearly black, whichever stands out more."""
    return max((_LIGHT, _DARK), key=lambda colour: contrast(colour, accent))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
