"""`manage.py rotate_keys`: put everything that is encrypted at rest under the newest key of FIELD_KEYS, so that the old one can be taken away."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from bonusportal import secrecy
from promo.models import Evidence, PanelLease


class Command(BaseCommand):
    help = (
        "Re-encrypts the panel's session and all evidence with the newest key. Repeatable; says what could not be read."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for lease in PanelLease.objects.exclude(session=None):
            try:
                PanelLease.objects.filter(pk=lease.pk).update(session=secrecy.reencrypt(bytes(lease.session or b"")))
            except secrecy.CannotDecrypt:
                unreadable += 1
        files = 0
        for evidence in Evidence.objects.order_by("pk").iterator(chunk_size=200):
            try:
                with default_storage.open(evidence.file) as stored:
                    fresh = secrecy.reencrypt(stored.read())
            except (secrecy.CannotDecrypt, FileNotFoundError):
                unreadable += 1
                continue
            # A new name, then the row, then the old file: a crash between leaves a file too many, never one too few.
            old, name = evidence.file, default_storage.save(evidence.file, ContentFile(fresh))
            Evidence.objects.filter(pk=evidence.pk).update(file=name)
            if name != old:
                default_storage.delete(old)
            files += 1
        self.stdout.write(f"{files} files and the panel's session are under the newest key.")
        if unreadable:
            raise CommandError(f"{unreadable} could not be read with any key of FIELD_KEYS.")
