"""Machine words of codes, runs and counters in the words of people, and the colours they are shown in. Sentences for a run's reason are in
`promo.policy_sentences`; what is decided, and when, is nowhere here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _

from promo.models import CodeState, ReplenishRun, RunState
from promo.models.runs import EvidenceKind
from promo.policy import Decision
from promo.policy_sentences import SENTENCES

Words = str | Promise
# The theme's names of colours: success, info, warning, danger, primary; "" is grey.
CODE_COLOURS: dict[str, str] = {
    CodeState.PLANNED: "",
    CodeState.AVAILABLE: "success",
    CodeState.ISSUED: "info",
    CodeState.REDEEMED: "primary",
    CodeState.WITHDRAWN: "warning",
    CodeState.VOID: "",
    CodeState.FOREIGN: "warning",
}
RUN_COLOURS: dict[str, str] = {
    RunState.REQUESTED: "info",
    RunState.LEASED: "primary",
    RunState.SUCCEEDED: "success",
    RunState.FAILED: "danger",
    RunState.NEEDS_PERSON: "warning",
}
LEVELS: dict[str, tuple[Words, str]] = {
    "out": (_("empty"), "danger"),
    "low": (_("low"), "warning"),
    "thin": (_("thin"), "info"),
    "fine": (_("enough"), "success"),
}
DECISIONS: dict[str, tuple[Words, str]] = {
    Decision.KEEP: (_("kept"), "success"),
    Decision.KNOWN: (_("known"), ""),
    Decision.ADOPT: (_("adopted"), "primary"),
    Decision.FOREIGN: (_("foreign"), "warning"),
    Decision.VOID: (_("voided"), "danger"),
    Decision.USED: (_("used"), "info"),
    Decision.IGNORE: (_("left alone"), ""),
}
STATUSES: dict[str, Words] = {"active": _("active"), "inactive": _("inactive"), "unknown": _("unknown")}

# Files of a run that are saved, not looked at.
FILE_NAMES: dict[str, Words] = {
    EvidenceKind.ROWS: _("Rows with full codes"),
    EvidenceKind.TRACE: _("Trace of the browser"),
}

STEPS: dict[str, Words] = {
    "saved_session_tried": _("Tried the saved session"),
    "login_opened": _("Opened the login page"),
    "password_sent": _("Sent name and password"),
    "second_factor_sent": _("Sent the second factor"),
    "signed_in": _("Signed in"),
    "grid_opened": _("Opened the list of codes"),
    "filter_set": _("Filtered by amount"),
    "filter_reset": _("Took the filter off"),
    "page_size_changed": _("Changed the page size"),
    "page_read": _("Read a page"),
    "readings_joined": _("Joined several readings"),
    "rows_selected": _("Chose the rows of the amount"),
    "form_opened": _("Opened the form"),
    "form_checked": _("Looked at the form"),
    "code_typed": _("Typed a code"),
    "code_saved": _("Saved a code"),
    "deletion_prepared": _("Looked for rows to delete"),
    "rows_deleted": _("Deleted rows"),
    "rows_not_found": _("Rows to delete were not there"),
}

# Why a row was decided so: the fixed sentences, and those that carry an amount or a state.
_WHYS: dict[str, Words] = {
    "no code in the row": _("no code in the row"),
    "amount could not be read": _("amount could not be read"),
    "status word unknown": _("status word unknown"),
    "not ours and inactive": _("not ours and inactive"),
    "not a bonus code": _("not a bonus code"),
    "not ours and near its last day": _("not ours and near its last day"),
    "active and new to us": _("active and new to us"),
    "active and new to us: a person decides": _("active and new to us: a person decides"),
    "ours, but inactive in the panel": _("ours, but inactive in the panel"),
    "ours, but past its day": _("ours, but past its day"),
    "ours, read back active": _("ours, read back active"),
    "inactive in the panel although not handed out": _("inactive in the panel although not handed out"),
    "inactive in the panel: used in the store": _("inactive in the panel: used in the store"),
    "read back from the panel": _("read back from the panel"),
    "expired": _("near its last day"),
    "taken from the document by another writer": _("taken from the document by another writer"),
    "taken from the document after it was issued here": _("taken from the document after it was issued here"),
    "put into the document by another writer": _("put into the document by another writer"),
    "the customer took the code off": _("the customer took the code off"),
    "the hold's time is over": _("the time of the redemption is over"),
    "the customer asked for it again": _("the customer asked for it again"),
    "inactive in the panel: used": _("inactive in the panel: used in the store"),
    "retired: deleted in the panel and seen gone": _("deleted in the panel and seen gone"),
}
_WHY_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"another amount: (\d+)"), lambda found: gettext("another amount: %s") % found[1]),
    (
        re.compile(r"known to us as a code of (\d+)"),
        lambda found: gettext("known to us as a code of %s UAH") % found[1],
    ),
    (re.compile(r"known as (\w+)"), lambda found: gettext("known as %s") % name_state(found[1])),
    (re.compile(r"in order (.+)"), lambda found: gettext("in order %s") % found[1]),
    (re.compile(r"order (.+) was cancelled"), lambda found: gettext("order %s was cancelled") % found[1]),
    (re.compile(r"inactive: (.+)"), lambda found: say_why(found[1])),
    (re.compile(r"revealed: (.+)", re.DOTALL), lambda found: found[1]),
)

# What a run itself says beyond its reason. The browser's own words are not among them.
_DETAILS: dict[re.Pattern[str], Words] = {
    re.compile(r"(\d+) rows were read, (\d+) of them understood\."): _("Rows read: %s, of these understood: %s."),
    re.compile(r"(\d+) codes could not be read back\."): _("Codes that could not be read back: %s."),
    re.compile(r"(\d+) codes are not in the panel\."): _("Codes that are not in the panel: %s."),
    re.compile(r"(\d+) codes are still in the panel\."): _("Codes that are still in the panel: %s."),
}

COUNTERS: dict[str, Words] = {
    "refused.rate.get_code_address": _("too many requests from one address"),
    "refused.rate.get_code_person": _("too many requests of one person"),
    "refused.rate.balance": _("too many balance requests"),
    "refused.rate.report": _("too many reports"),
    "refused.rate.session_phone": _("too many codes asked for one phone"),
    "refused.rate.session_address": _("too many codes asked from one address"),
    "refused.rate.verify_address": _("too many digits from one address"),
    "refused.malformed": _("not in the form that is described"),
    "refused.origin_foreign": _("called from a page of another site"),
    "refused.order_foreign": _("a report of somebody else's order"),
    "refused.rate_limited": _("too many requests"),
    "refused.session_required": _("no confirmed phone number"),
    "refused.points_expired": _("points had expired"),
    "refused.bonus_mismatch": _("forged number of bonuses"),
    "redemption.same_code": _("a code taken off and asked for again"),
    "accrual.duplicate": _("order reported again"),
    "accrual.spend_not_believed": _("page claimed to spend points"),
    "claim.foreign": _("report of somebody else's order"),
    "claim.forged": _("report of more money than the order came to"),
    "alarm.hold_stuck": _("redemptions that need a person"),
    "alarm.ledger": _("ledger not as it was sealed"),
    "refused.signature_invalid": _("no valid signature"),
    "refused.code_wrong": _("wrong digits"),
    "refused.session_over": _("digits that are used, out of time or of tries"),
    "refused.tries_exhausted": _("too many wrong digits for a phone today"),
    "refused.messages_exhausted": _("as many messages as a day may have were sent"),
    "refused.switched_off": _("a customer who is switched off"),
    "refused.insufficient_points": _("more points than there are"),
    "refused.over_share": _("more points than may pay for the order"),
    "refused.hold_unknown": _("a redemption that is unknown or somebody else's"),
    "refused.hold_unused": _("a report of points that its order was not paid with"),
    "refused.hold_not_open": _("a redemption that is over"),
    "refused.idempotency_key_reused": _("a key that was used for something else"),
    "refused.in_progress": _("the same request at the same time"),
    "alarm.messages_cap": _("no more messages with digits today"),
    "alarm.messenger_refuses": _("whoever carries the digits takes nothing of ours"),
    "storefront.message_refused": _("messages refused by the gateway"),
    "storefront.message_delayed": _("messages the gateway did not take at once"),
    "storefront.lockout_lifted": _("lockouts lifted"),
    "alarm.daily_cap": _("daily cap reached"),
    "alarm.code_taken_twice": _("issued code taken from the document"),
    "alarm.mirror_document_broken": _("document in the bucket unreadable"),
    "mirror.failed": _("document could not be written"),
    "nudge.lost": _("message to the worker lost"),
}


def name_state(state: str) -> str:
    """A code's state in words; the word itself where it is none."""
    return str(dict(CodeState.choices).get(state, state))


def say_why(text: str) -> str:
    """A stored reason in the reader's language where it is one of the portal's own sentences; what a person wrote stays as it is."""
    if text in _WHYS:
        return str(_WHYS[text])
    for pattern, words in _WHY_PATTERNS:
        if found := pattern.fullmatch(text):
            return words(found)
    return text


def say_detail(detail: str) -> str:
    """A run's own detail in the reader's language; empty where it is the browser's."""
    for pattern, words in _DETAILS.items():
        if found := pattern.fullmatch(detail):
            return str(words) % found.groups()
    return ""


def name_counter(name: str) -> str:
    """A day's counter in words. Failures of runs carry their reason's word."""
    if name in COUNTERS:
        return str(COUNTERS[name])
    return gettext("runs that failed") if name.startswith("run.failed.") else name


def detail_of(run: ReplenishRun) -> str:
    """What the run says beyond the sentence for its reason: technical words of the browser, in English."""
    detail: str = run.detail
    sentence = SENTENCES.get(run.reason, "")
    # The sentence was stored in the worker's language; the reader gets it in their own, once.
    for language in {"uk", "en", get_language() or "en"}:
        with override(language):
            detail = detail.removeprefix(str(sentence)).strip()
    return detail
