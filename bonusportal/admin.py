"""People and groups of the staff site. What members of a group may do by default is in `bonusportal.roles`."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.utils import reset
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from bonusportal.page_titles import PlainTitles
from bonusportal.second_factor import remove_second_factor

# Their own pages would show secrets of devices and addresses of callers; what staff need of them is offered on a person's row.
for _model in (TOTPDevice, StaticDevice, AccessAttempt, AccessLog, AccessFailureLog, User, Group):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

_VERBS = {"add": _("add"), "change": _("change"), "delete": _("delete"), "view": _("view")}


class PermissionsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Permissions in the reader's language: Django stores their names in English."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, permission: Permission) -> str:
        model = permission.content_type.model_class()
        subject = str(model._meta.verbose_name_plural).capitalize() if model else permission.content_type.model
        verb = _VERBS.get(permission.codename.removesuffix(f"_{permission.content_type.model}"))
        return f"{subject}: {verb or gettext(permission.name)}"


@admin.register(User)
class UserAdmin(PlainTitles, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Staff. Lost phones and lockouts are helped with from the list."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "groups_shown", "second_factor", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser", "groups"]
    actions = ["remove_second_factors", "let_in_again"]
    compressed_fields = False
    # Permissions come by groups: what somebody may do should be told by one word on their row.
    fieldsets = [
        (None, {"fields": ("username", "password")}),
        (_("Personal"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "last_login", "date_joined")}),
    ]
    add_fieldsets = [(None, {"fields": ("username", "password1", "password2")})]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        has_device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        people: QuerySet[User] = super().get_queryset(request)
        return people.prefetch_related("groups").annotate(has_device=Exists(has_device))

    @admin.display(description=_("full name"))
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
class GroupAdmin(PlainTitles, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups and their permissions: those of our own pages, without Django's machinery."""

    compressed_fields = False
    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name != "permissions":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        ours = {model._meta.label_lower for model in self.admin_site._registry}
        offered = [pk for pk, app, model in _permission_keys() if f"{app}.{model}" in ours]
        queryset = (
            Permission.objects.filter(pk__in=offered).select_related("content_type").order_by("content_type", "pk")
        )
        return PermissionsField(queryset=queryset, required=False, label=_("Permissions"))


def _permission_keys() -> QuerySet[Permission, tuple[int, str, str]]:
    return Permission.objects.values_list("pk", "content_type__app_label", "content_type__model")
