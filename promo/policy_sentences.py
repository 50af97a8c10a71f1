"""For every reason why a run stopped: one sentence that says what happened and what a person should do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from promo.errors import PanelReason

SENTENCES: dict[str, str | Promise] = {
    PanelReason.WRONG_PASSWORD: _(
        "The panel refused the login. Check the user name and password in the portal's settings, then let the runs go on."
    ),
    PanelReason.CAPTCHA: _("The panel asks for a captcha. Sign in to the panel once by hand, then let the runs go on."),
    PanelReason.SECOND_FACTOR: _(
        "The panel asks for a second factor. Give the portal the app's secret or switch it off for this account, then let the runs go on."
    ),
    PanelReason.MAINTENANCE: _("The panel is under maintenance. The portal tries again by itself."),
    PanelReason.LAYOUT: _(
        "The panel's page looks different from what the profile describes. Compare the pictures and correct the profile."
    ),
    PanelReason.FILTER_IGNORED: _(
        "The panel did not filter by amount. Nothing was taken over; the portal tries again by itself."
    ),
    PanelReason.DRIFTING: _(
        "The list changed while it was being read. Nothing was taken over; the portal tries again by itself."
    ),
    PanelReason.SLOW: _("The panel answered too slowly. The portal tries again by itself."),
    PanelReason.UNREACHABLE: _("The panel could not be reached. The portal tries again by itself."),
    PanelReason.SESSION_LOST: _("The panel ended the session in the middle. The portal signs in again by itself."),
    PanelReason.REFUSED: _("The panel did not accept a code. Compare the pictures and correct the profile."),
    PanelReason.DUPLICATE: _("The panel says that a code exists already. It was read back and left alone."),
    PanelReason.PARTIAL: _("Not every code could be made. The portal goes on by itself."),
    PanelReason.LEASE_LOST: _("Another worker took over."),
    PanelReason.CRASHED: _("The run stopped in the middle too often. Look at its last step, then ask for it again."),
    PanelReason.NOT_CONFIGURED: _("No panel is configured. Set PANEL_URL, PANEL_USERNAME and PANEL_PASSWORD."),
    PanelReason.MISSING: _(
        "Many codes of this pool are not in the panel. Check that this is the right store and account; then withdraw the codes or let the run go on."
    ),
    PanelReason.PROFILE: _("The panel profile cannot be used. Go back to an earlier version of it."),
    "time_budget": _("The time budget was used up. The run goes on by itself."),
}


def sentence_for(reason: str) -> str:
    """The sentence in the active language; the word itself where nobody wrote one."""
    return str(SENTENCES.get(reason, reason))
