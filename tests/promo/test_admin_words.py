"""No English is left on a Ukrainian page, the theme's own words included; and the catalogue is whole.

Every text node and every attribute that is read out or shown is collected. Names that people typed and machine words are marked on the page itself
(`lang="en"`, `translate="no"`), so that the list of exceptions stays short.
"""

import ast
import datetime as dt
import re
from ast import literal_eval
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from bonusportal.counting import kyiv_day
from bonusportal.models import DailyCount
from promo.adapters.bon_admin.sighting import Sight
from promo.admin.facts import NAMES, SAYINGS, tell_facts
from promo.admin.wording import COUNTERS, DECISIONS, STATUSES, STEPS, say_why
from promo.errors import PanelReason
from promo.models import (
    Code,
    CodeEvent,
    CodeState,
    Demand,
    PanelLease,
    Pool,
    ProfileVersion,
    Publication,
    ReplenishRun,
    RunState,
)
from promo.models.codes import LotSource
from promo.models.issues import IssueChannel
from promo.models.runs import EvidenceKind, RunKind, RunTrigger
from promo.policy import decide_row
from promo.policy_sentences import SENTENCES, sentence_for
from promo.ports import GridRow, RowStatus
from tests.factories import (
    make_code,
    make_evidence,
    make_issue,
    make_lot,
    make_pool,
    make_run,
    make_run_row,
    make_staff,
    make_step,
)
from tests.staff import sign_in

ENGLISH = re.compile(r"[A-Za-z][A-Za-z’'-]{2,}")
# Names of things that have no other name: settings, formats, the brand of a code, keys of a keyboard, languages in their own words.
KEEPS = re.compile(
    r"\bBON\d*\b|PANEL_[A-Z]+|\bget-code\b|\bmake run\b|\bEnglish\b|\besc\b|\bCSV\b|\bUTF-8\b|\bJSON\b|\b(?:Key)?CRM\b|\bcrm\b|\bSMS\b|№\d+"
)
SHOWN = {"title", "placeholder", "aria-label", "alt", "data-label"}


class Words(HTMLParser):
    """Collects what a reader sees or hears, without what is marked as another language, as untranslatable, or as an icon."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        is_set_aside = (
            tag in {"script", "style", "code"}
            or named.get("lang") == "en"
            or named.get("translate") == "no"
            or "material-symbols-outlined" in (named.get("class") or "")
        ) and tag != "html"
        if not is_set_aside and not self._aside:
            self.found += [value for name, value in attrs if name in SHOWN and value]
            if tag == "input" and named.get("type") in {"submit", "button"} and named.get("value"):
                self.found.append(str(named["value"]))
        if tag not in {"input", "meta", "link", "img", "br", "hr", "rect", "path"}:
            self._open.append((tag, is_set_aside))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, _aside = self._open.pop()
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._aside:
            self.found.append(" ".join(data.split()))

    @property
    def _aside(self) -> bool:
        return any(aside for _tag, aside in self._open)


def english_in(page: str) -> list[str]:
    words = Words()
    words.feed(page)
    return [text for text in words.found if ENGLISH.search(KEEPS.sub("", text))]


def test_the_search_finds_english():
    page = '<p title="Close">Закрити <b>Refill now</b> <i lang="en">left alone</i> <span class="material-symbols-outlined">close</span> BON100••••</p>'
    assert english_in(page) == ["Close", "Refill now"]


@pytest.fixture
def world() -> dict[str, int]:
    """A row of every kind, in every state that has words of its own. What people wrote is in Ukrainian."""
    now = timezone.now()
    pool = make_pool(100)
    make_pool(300, is_active=False, adopt="ask")
    cool = make_pool(400, cooldown_until=now + dt.timedelta(hours=1))
    lots = [make_lot(source, name="коди", actor="Олена", reason="перевірка") for source in LotSource.values]
    codes = [make_code(pool, state, lot=lots[0], reason="перевірка") for state in CodeState.values]
    for code, channel in zip(codes, IssueChannel.values, strict=False):
        make_issue(
            code, channel=channel, phone="+380671234567", order_number="17", caller_address="203.0.113.7", issued_at=now
        )
    for before, after, reason in [
        ("planned", "available", "read back from the panel"),
        ("available", "available", "revealed: покупець телефонує"),
        ("available", "withdrawn", "taken from the document by another writer"),
        ("available", "void", "inactive: inactive in the panel although not handed out"),
    ]:
        CodeEvent.objects.create(code=codes[1], from_state=before, to_state=after, actor="Тарас", reason=reason, at=now)
    runs = [
        make_run(
            pool if state == RunState.LEASED else cool,
            state,
            kind,
            trigger=trigger,
            reason=reason,
            requested_at=now,
            leased_at=now,
            finished_at=now,
        )
        for state, kind, trigger, reason in [
            (RunState.LEASED, RunKind.REFILL, RunTrigger.LOW, ""),
            (RunState.NEEDS_PERSON, RunKind.LOOK, RunTrigger.STAFF, PanelReason.CAPTCHA),
            (RunState.FAILED, RunKind.RETIRE, RunTrigger.WITHDRAWN, PanelReason.LAYOUT),
            (RunState.SUCCEEDED, RunKind.REFILL, RunTrigger.SWEEP, ""),
        ]
    ]
    for name in STEPS:
        make_step(runs[0], name, detail={"page": 1})
    failed = make_step(
        runs[0],
        "code_typed",
        ok=False,
        detail={
            "expected": {"amount": "1", "screen": "form or grid", "validUntil": "input"},
            "seen": {"amount": "", "screen": "elsewhere", "validUntil": "not there"},
            "reason": "layout",
            "error": "no such field",
            "rows_without_code": 2,
        },
    )
    make_evidence(runs[0], b"png", step=failed)
    make_evidence(runs[0], b"zip", EvidenceKind.TRACE)
    make_evidence(runs[0], b"[]", EvidenceKind.ROWS)
    for decision in DECISIONS:
        make_run_row(runs[0], decision=decision, why="known as issued", status="unknown")
    ReplenishRun.objects.filter(pk=runs[0].pk).update(
        codes_kept=1, codes_created=2, codes_adopted=3, codes_voided=4, codes_deleted=5, rows_read=6, attempts=2
    )
    for name in [*COUNTERS, "run.failed.slow"]:
        DailyCount.objects.create(day=kyiv_day(now), name=name, count=2)
    Demand.objects.create(amount_uah=500, day=kyiv_day(now), misses=2)
    Demand.objects.create(amount_uah=100, day=kyiv_day(now), misses=2)
    publication = Publication.objects.create(revision=7, digest="1" * 64, listed={"100": []}, planned_at=now)
    PanelLease.objects.update_or_create(
        pk=1, defaults={"blocked_reason": PanelReason.WRONG_PASSWORD, "blocked_at": now}
    )
    someone = make_staff(username="17")
    profile = ProfileVersion.objects.create(
        text={"version": "7"}, version="7", actor="Тарас", reason="перевірка", created_at=now
    )
    return {"pool": pool.pk, "cool": cool.pk, "code": codes[1].pk, "foreign": codes[-1].pk, "issue": codes[0].issue.pk, "lot": lots[0].pk,
            "run": runs[0].pk, "failed": runs[2].pk, "publication": publication.pk, "demand": Demand.objects.all()[0].pk, "user": someone.pk,
            "profile": profile.pk}  # fmt: skip


def addresses(world: dict[str, int]) -> Iterator[str]:
    yield from ["", "?show=low", "?amount=77", "second-factor/", "password_change/", "promo/code/find/"]
    for model in ("pool", "code", "issue", "lot", "replenishrun", "demand", "publication"):
        yield f"promo/{model}/"
    yield from [
        "promo/code/?state__exact=available&amount=100",
        "promo/code/?amount=99",
        "promo/pool/?q=77",
        "promo/pool/add/",
        "auth/user/",
        "auth/user/add/",
    ]
    yield from [
        "auth/group/",
        "auth/group/add/",
        "promo/pool/range/",
        "promo/publication/compare/",
        "promo/profileversion/",
        "promo/profileversion/new/",
    ]
    yield from [f"promo/profileversion/{world['profile']}/{page}/" for page in ("change", "back")]
    for model, key in [("pool", "pool"), ("pool", "cool"), ("code", "code"), ("code", "foreign"), ("issue", "issue"), ("lot", "lot"), ("replenishrun", "run"),
                       ("replenishrun", "failed"), ("publication", "publication"), ("demand", "demand")]:  # fmt: skip
        yield f"promo/{model}/{world[key]}/change/"
    yield from [f"promo/pool/{world['pool']}/{page}/" for page in ("history", "paste")]
    yield from [f"promo/code/{world['code']}/{page}/" for page in ("reveal", "withdraw", "void")]
    yield f"promo/code/{world['foreign']}/adopt/"
    yield from [f"auth/user/{world['user']}/{page}/" for page in ("change", "password")]


@pytest.mark.django_db
def test_no_english_is_left_on_ukrainian_pages(client: Client, world):
    client.force_login(make_staff(username="18", is_superuser=True))
    client.cookies["portal_language"] = "uk"
    left = {}
    for address in addresses(world):
        answer = client.get(f"/admin/{address}")
        assert answer.status_code == 200, address
        if found := english_in(answer.content.decode()):
            left[address] = found
    assert left == {}


@pytest.mark.django_db
def test_no_english_is_left_in_answers_to_forms(client: Client, world):
    client.force_login(make_staff(username="18", is_superuser=True))
    client.cookies["portal_language"] = "uk"
    code = Code.objects.get(pk=world["code"])
    forms = [
        (f"promo/code/{code.pk}/reveal/", {"reason": "перевірка"}),
        (f"promo/code/{code.pk}/reveal/", {"reason": ""}),
        ("promo/code/find/", {"what": "0671234567"}),
        ("promo/code/find/", {"what": "нічого"}),
        (f"promo/pool/{world['pool']}/paste/", {"text": "BON100QWERTY", "reason": "перевірка", "try": ""}),
        (
            f"promo/pool/{world['pool']}/paste/",
            {"text": f"{code.code}\n???\nBON100QWERTY\nBON100QWERTY", "reason": "перевірка"},
        ),
        (f"promo/pool/{world['pool']}/paste/", {"text": "", "reason": ""}),
        (f"promo/pool/{world['pool']}/change/", {"low_water": "5", "target": "5", "adopt": "ask"}),
        (f"promo/pool/{world['pool']}/change/", {"low_water": "", "target": "99999", "adopt": "ask"}),
        ("promo/pool/add/", {"amount_uah": "100"}),
        ("promo/pool/range/", {"amounts": "1-20, 300", "target": "5", "preview": ""}),
        ("promo/pool/range/", {"amounts": "сто", "target": "-1", "preview": ""}),
        ("promo/publication/compare/", {"source": "rows", "reason": "перевірка", "preview": ""}),
        ("promo/profileversion/new/", {"text": '{"version": "8"}', "reason": ""}),
        ("second-factor/", {"token": "000000"}),
        ("password_change/", {}),
    ]
    left = {}
    for address, fields in forms:
        answer = client.post(f"/admin/{address}", fields)
        assert answer.status_code == 200, address
        if found := english_in(answer.content.decode().replace(code.code, "")):
            left[address] = found
    assert left == {}


@pytest.mark.django_db
def test_no_english_is_left_in_what_is_told_after_a_deed(client: Client, world):
    client.force_login(make_staff(username="18", is_superuser=True))
    client.cookies["portal_language"] = "uk"
    code, foreign = world["code"], world["foreign"]
    left = {}
    for address, fields in [
        (f"promo/pool/{world['pool']}/request/", {}),
        (f"promo/pool/{world['cool']}/request/", {}),
        ("promo/pool/go-on/", {}),
        (f"promo/code/{code}/withdraw/", {"reason": "перевірка"}),
        (f"promo/code/{code}/withdraw/", {"reason": "перевірка"}),
        (f"promo/code/{code}/void/", {"reason": "перевірка"}),
        (f"promo/code/{foreign}/adopt/", {"reason": "перевірка"}),
        ("promo/pool/", {"action": "refill_now", "_selected_action": [world["pool"], world["cool"]]}),
        ("auth/user/", {"action": "remove_second_factors", "_selected_action": [world["user"]]}),
        ("auth/user/", {"action": "let_in_again", "_selected_action": [world["user"]]}),
        ("auth/user/", {"action": "delete_selected", "_selected_action": [world["user"]]}),
    ]:
        answer = client.post(f"/admin/{address}", fields, follow=True)
        if found := english_in(answer.content.decode()):
            left[address] = found
    assert left == {}


@pytest.mark.django_db
def test_no_english_is_left_before_signing_in(client: Client):
    for answer in (client.get("/admin/login/"), client.post("/admin/login/", {"username": "17", "password": "1"})):
        assert english_in(answer.content.decode()) == []


@pytest.mark.django_db
def test_no_english_is_left_on_an_empty_portal(client: Client):
    Pool.objects.all().delete()
    client.force_login(make_staff(username="18", is_superuser=True))
    client.cookies["portal_language"] = "uk"
    assert english_in(client.get("/admin/").content.decode()) == []
    assert english_in(client.get("/admin/promo/code/").content.decode()) == []


@pytest.mark.django_db
def test_somebody_without_permissions_is_told_so_in_ukrainian(client: Client):
    assert english_in(sign_in(client, language="uk").get("/admin/").content.decode().replace("staff", "")) == []


def test_every_reason_has_a_ukrainian_sentence():
    with override("uk"):
        for reason in [*PanelReason, *SENTENCES]:
            assert not re.search(r"[A-Za-z]{4,}", KEEPS.sub("", sentence_for(reason))), reason


def test_every_reason_for_a_decision_is_said_in_ukrainian():
    row = GridRow(code="BON100QWERTY", amount_uah=100, status=RowStatus.ACTIVE, valid_until=None)
    today = timezone.now().date()
    whys = set()
    for status in RowStatus:
        for amount in (100, 200, None):
            for day in (None, today):
                for known in (None, *CodeState.values):
                    for known_amount in (100, 300):
                        for adopts in (True, False):
                            for text in (row.code, "", "OTHER"):
                                read = GridRow(code=text, amount_uah=amount, status=status, valid_until=day)
                                decided = decide_row(read, amount_uah=100, known_state=known, known_amount_uah=known_amount if known else None,
                                                     adopts=adopts, today=today)  # fmt: skip
                                whys.add(decided.why)
    assert len(whys) > 15
    with override("uk"):
        assert [why for why in sorted(whys) if re.search(r"[A-Za-z]{2,}", say_why(why))] == []


@pytest.mark.parametrize(
    "words", [STEPS, STATUSES, COUNTERS, NAMES, SAYINGS, {name: pair[0] for name, pair in DECISIONS.items()}]
)
def test_every_machine_word_has_a_ukrainian_name(words):
    with override("uk"):
        assert [name for name, text in words.items() if re.search(r"[A-Za-z]{2,}", str(text))] == []


def test_every_detail_that_the_browser_notes_has_a_name():
    """The adapter notes by machine names; this reads them out of its source, so that none stays English by being forgotten."""
    noted = set()
    for path in (Path(settings.BASE_DIR) / "promo" / "adapters" / "bon_admin").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="step"), keywords=keywords):
                    noted |= {one.arg for one in keywords}
                case ast.Call(func=ast.Attribute(value=ast.Name(id="detail"), attr="update"), keywords=keywords):
                    noted |= {one.arg for one in keywords}
                case ast.Subscript(value=ast.Name(id="detail"), slice=ast.Constant(value=name)):
                    noted.add(name)
    told_otherwise = {"masked", "only_looks", "reason", "error", "expected"}
    assert len(noted) > 25
    assert noted - told_otherwise - set(NAMES) == set()
    assert {sight.value for sight in Sight} <= set(SAYINGS)


CATALOGUES = ["", "bonuses", "storefront", "keycrm"]


@pytest.mark.parametrize("app", CATALOGUES)
def test_the_catalogue_is_whole_and_compiled(app):
    """Every text has its translation, and what is compiled is what people edit."""
    folder = Path(settings.BASE_DIR) / app / "locale" / "uk" / "LC_MESSAGES"
    source = (folder / "django.po").read_text()
    with (folder / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    assert "#, fuzzy" not in source
    entries = source.split("\n\n")[1:]
    assert len(entries) > 150
    for entry in entries:
        msgid, *msgstrs = [
            "".join(literal_eval(line) for line in found.splitlines())
            for found in re.findall(r'^msg(?:id|str)(?:\[\d\])? ((?:".*"\n?)+)', entry, re.MULTILINE)
        ]
        assert all(msgstrs), f"not translated: {msgid}"
        if len(msgstrs) == 1:
            assert compiled[msgid] == msgstrs[0], f"not compiled: {msgid}"
        else:
            assert [compiled[msgid, form] for form in range(4)] == msgstrs, f"not compiled: {msgid}"


def test_a_step_tells_days_as_its_reader_writes_them_and_no_trouble_that_is_not_there():
    told = {"valid_until": "2027-11-25", "rows": 0, "unknown_date": 0, "unknown_status": 2}
    with override("uk"):
        assert [(fact.name, fact.value) for fact in tell_facts(told)] == [
            ("останній день", "25.11.2027"),
            ("рядки", "0"),
            ("незрозумілих слів стану", "2"),
        ]
