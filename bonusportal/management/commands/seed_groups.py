"""`manage.py seed_groups`: make the groups of `bonusportal.roles` and give them what they lack.

A command, not a migration: permissions are made after all migrations have run, so a migration on a new database would find none; and a new permission
reaches existing groups by running the command once more. It takes nothing away: what an administrator has added stays.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from bonusportal.roles import ROLES


class Command(BaseCommand):
    help = (
        "Make the groups support and manager, and give them the permissions they lack. May be run any number of times."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            for name, permissions in ROLES.items():
                group, is_new = Group.objects.get_or_create(name=name)
                lacking = _find(permissions) - set(group.permissions.all())
                group.permissions.add(*lacking)
                self.stdout.write(f"{name}: {'made' if is_new else 'there already'}, {len(lacking)} permissions added")


def _find(names: tuple[str, ...]) -> set[Permission]:
    found = set()
    for name in names:
        app_label, codename = name.split(".")
        permission = Permission.objects.filter(content_type__app_label=app_label, codename=codename).first()
        if permission is None:
            raise CommandError(f"There is no permission {name}. Run manage.py migrate first.")
        found.add(permission)
    return found
