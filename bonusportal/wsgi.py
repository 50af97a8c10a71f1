"""WSGI entry point (gunicorn, zappa)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonusportal.settings")
application = get_wsgi_application()
