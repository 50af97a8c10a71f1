"""The stand-in for Google Tag Manager: which custom HTML fires on which page, with its variables filled in.

The tags are read from the project's folder at every page, so that what was just saved is what fires. How the browser is
made to run them is in `static/gtm.js`.
"""

import re
from pathlib import Path
from typing import Any

from demo.shop.state import ShopState

CONTAINER = "GTM-LASTIVKA"
CHECKOUT, THANKS, HINT = "checkout", "thanks", "hint"
FILES = {
    CHECKOUT: "bonus_checkoutpage_script.html",
    THANKS: "bonus_thankspage_script.html",
    HINT: "bonus_hint_script.html",
}
# Page Path contains the first and not the second.
TRIGGERS = {CHECKOUT: ("/checkout/", "/checkout/complete"), THANKS: ("/checkout/complete", ""), HINT: ("/", "")}
FOLDER = Path(__file__).resolve().parents[2] / "static" / "gtm"
# A variable of the container, or the invented address that stands in a tag ready for copying.
_PORTAL = re.compile(
    r"\{\{\s*[A-Za-z _]*portal[A-Za-z _]*\}\}|__PORTAL[A-Z_]*__|https://(?:portal|bonus|bonuses)\.example",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
# What the compiler refuses on saving, roughly.
_TOO_NEW = {
    "let or const": re.compile(r"\b(?:let|const)\s+[\w${\[]"),
    "an arrow function": re.compile(r"=>"),
    "a template literal": re.compile(r"`"),
    "a class": re.compile(r"\bclass\s+\w+\s*(?:extends\b[^{]*)?\{"),
    "a spread": re.compile(r"\.\.\."),
    "async": re.compile(r"\basync\s+function\b"),
}


def es5_objections(html: str) -> list[str]:
    """What in the tag's scripts Tag Manager would refuse on saving; an estimate, kind to strings and comments."""
    code = "\n".join(_QUOTED.sub(" ", script) for script in _SCRIPT.findall(html))
    return [name for name, pattern in _TOO_NEW.items() if pattern.search(code)]


def fill_in(html: str, *, portal: str) -> str:
    """The tag with the portal's address where its variable stands."""
    return _PORTAL.sub(lambda _: portal, html)


def tag_html(state: ShopState, name: str) -> str:
    """The tag's custom HTML: what a test put there, else the project's file; empty when there is none."""
    if name in state.tags:
        return fill_in(state.tags[name], portal=state.links.portal)
    path = (state.tags_folder or FOLDER) / FILES[name]
    return fill_in(path.read_text(encoding="utf-8"), portal=state.links.portal) if path.is_file() else ""


def container(state: ShopState) -> dict[str, Any]:
    """The container as the page's script gets it: tags with their triggers, and how it behaves today."""
    switches = state.switches
    tags = []
    for name, (contains, without) in TRIGGERS.items():
        html = tag_html(state, name) if name != HINT or switches.gtm_hint else ""
        if html:
            about = {"name": name, "html": html, "refused": es5_objections(html)}
            tags.append({**about, "contains": contains, "without": without})
    return {"id": CONTAINER, "tags": tags, "fires": 2 if switches.gtm == "twice" else 1}
