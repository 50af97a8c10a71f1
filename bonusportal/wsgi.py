"""WSGI entry point of long-lived servers (gunicorn, runserver). Zappa has a way of its own, and there a cold start pays only for what its first call needs."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonusportal.settings")
application = get_wsgi_application()

# What is otherwise imported by the first call of its kind: a second and more on a busy machine, and a shopper would wait for it.
WARM = ("bonusportal.urls", "bonusportal.api", "storefront.pages", "bonusportal.celery", "kombu.exceptions", "limits", "limits.storage",
        "limits.strategies", "redis", "phonenumbers")  # fmt: skip


def warm_up() -> None:
    """Before the first call is taken, so a server that is started anew is as quick as one that ran for a day."""
    from bonusportal.phones import normalise_phone

    for name in WARM:
        import_module(name)
    normalise_phone("+380000000001")  # reads the tables of numbers


warm_up()
