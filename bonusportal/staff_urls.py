"""The addresses of the staff pages, below /admin/. Read with the first visit to one of them, not when the portal starts: see bonusportal.urls."""

from django.contrib import admin

admin.autodiscover()  # done already, except on Lambda (bonusportal.apps)
urlpatterns = admin.site.urls[0]
