"""`manage.py import_codes FILE`: take codes in from a file or from the bucket. Shows what the importing service says; decides nothing itself.

Exit status 0: taken in, or exactly this was taken in before. 1: nothing was imported, and why.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from bonusportal.errors import PortalError
from bonusportal.nudges import nudge
from promo import wiring
from promo.errors import MirrorError
from promo.models.codes import Adopt
from promo.reading import ByteFile, Format, Problem
from promo.services.importing import import_file
from promo.services.reporting import Progress, Report

PROGRESS_EVERY_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Import promo codes: the predecessor's available_codes.json and used_codes_count.json, or CSV with the columns "
        "code,amount[,valid_until]. Nothing comes in when anything is wrong, unless --skip-bad is given."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("file", nargs="?", type=Path, help="the file to read")
        where.add_argument("--from-bucket", action="store_true", help="read both documents of the mirror's bucket")
        parser.add_argument("--format", choices=["auto", *Format], default="auto", help="auto: by what the file holds")
        parser.add_argument("--dry-run", action="store_true", help="say what would come in, change nothing")
        parser.add_argument("--skip-bad", action="store_true", help="leave bad entries out and take the rest")
        parser.add_argument(
            "--adopt",
            choices=Adopt.values,
            default=Adopt.ASK,
            help="for pools that are opened: may active codes found in the panel be handed out (trust), or does a person decide (ask)",
        )
        parser.add_argument("--reason", required=True, help="why; kept with the codes")
        parser.add_argument("--actor", default="command line", help="who; kept with the codes")

    def handle(self, *args: Any, **options: Any) -> None:
        with ExitStack() as closing:
            for name, file, file_format in self._files(options, closing):
                report = self._import(name, file, file_format, options)
                if report.added and not report.is_dry_run:
                    nudge("promo.tasks.publish_mirror")
                if report.refills and not report.is_dry_run:
                    nudge("promo.tasks.work_through_runs")

    def _files(self, options: dict[str, Any], closing: ExitStack) -> list[tuple[str, ByteFile, Format | None]]:
        if options["from_bucket"]:
            return self._documents()
        path: Path = options["file"]
        try:
            file = closing.enter_context(path.open("rb"))
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        return [(path.name, file, None if options["format"] == "auto" else Format(options["format"]))]

    def _documents(self) -> list[tuple[str, ByteFile, Format | None]]:
        store = wiring.open_mirror_store()
        keys = {settings.MIRROR_CODES_KEY: Format.JSON, settings.MIRROR_COUNTS_KEY: Format.COUNTS}
        try:
            found = [(key, store.get(key), file_format) for key, file_format in keys.items()]
        except MirrorError as error:
            raise CommandError(_("The bucket did not answer: %(error)s") % {"error": error}) from error
        documents: list[tuple[str, ByteFile, Format | None]] = [
            (key, io.BytesIO(document.body), file_format) for key, document, file_format in found if document
        ]
        if not documents:
            raise CommandError(_("There is no document at: %(keys)s") % {"keys": ", ".join(keys)})
        return documents

    def _import(self, name: str, file: ByteFile, file_format: Format | None, options: dict[str, Any]) -> Report:
        progress = ProgressLines(self.stderr.write, name) if options["verbosity"] else None
        try:
            report = import_file(
                file=file,
                name=name,
                actor=options["actor"],
                reason=options["reason"],
                now=timezone.now(),
                file_format=file_format,
                adopt=options["adopt"],
                is_dry_run=options["dry_run"],
                skip_bad=options["skip_bad"],
                on_problem=self._show_problem,
                on_progress=progress,
            )
        except PortalError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from error
        said = f"{name}: {' '.join(report.sentences())}"
        if report.is_refused:
            raise CommandError(said)
        self.stdout.write(said)
        return report

    def _show_problem(self, problem: Problem) -> None:
        self.stderr.write(f"{problem.place}: {problem.sentence}")


class ProgressLines:
    """A line every two seconds; a quick import says nothing."""

    def __init__(self, write: Callable[[str], object], name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._name = name
        self._clock = clock
        self._said_at = clock()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._said_at >= PROGRESS_EVERY_SECONDS:
            self._said_at = now
            read = {"name": self._name, "codes": progress.codes, "percent": int(progress.share * 100)}
            self._write(_("%(name)s: %(codes)d codes read, %(percent)d %% of the file …") % read)
