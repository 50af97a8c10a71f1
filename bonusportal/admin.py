"""People and groups of the staff site. What members of a group may do by default is in `bonusportal.roles`."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.utils import reset
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from bonusportal.second_factor import remove_second_factor

# Their own pages would show secrets of devices and addresses of callers; what staff need of them is offered on a person's row.
for _model in (TOTPDevice, StaticDevice, AccessAttempt, AccessLog, AccessFailureLog, User, Group):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Staff. Lost phones and lockouts are helped with from the list."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "groups_shown", "second_factor", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser", "groups"]
    actions = ["remove_second_factors", "let_in_again"]
    compressed_fields = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        has_device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        people: QuerySet[User] = super().get_queryset(request)
        return people.prefetch_related("groups").annotate(has_device=Exists(has_device))

    @admin.display(description=_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "—"

    @admin.display(description=_("groups"))
    def groups_shown(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "—"

    @admin.display(description=_("second factor"), boolean=True)
    def second_factor(self, user: Any) -> bool:
        return bool(user.has_device)

    @admin.action(description=_("Remove the second factor (a phone was lost)"), permissions=["change"])
    def remove_second_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = list(queryset)
        for user in people:
            remove_second_factor(user)
            self.log_change(request, user, str(_("Second factor removed")))
        messages.success(
            request,
            ngettext(
                "The second factor of %(n)d person was removed.",
                "The second factors of %(n)d people were removed.",
                len(people),
            )
            % {"n": len(people)},
        )

    @admin.action(description=_("Let in again after too many wrong passwords"), permissions=["change"])
    def let_in_again(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        people = list(queryset)
        for user in people:
            reset(username=user.get_username())
            self.log_change(request, user, str(_("Lockout lifted")))
        messages.success(request, _("They can try again."))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups and their permissions."""
