"""Texts of emergency access that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "notice.cluster.emergency": gettext_noop(
            "%(person)s entered cluster %(name)s in an emergency, for %(minutes)s minutes: %(reason)s"
        ),
        "notice.cluster.emergency_end": gettext_noop(
            "The emergency access of %(person)s to cluster %(name)s has ended."
        ),
        "notice_kind.cluster.emergency_end": gettext_noop("Emergency access to a cluster has ended"),
        "deed.cluster.emergency": gettext_noop("entered the cluster in an emergency"),
        "deed.cluster.emergency_end": gettext_noop("ended the emergency access"),
        "fact.minutes": gettext_noop("minutes"),
        "fact.person": gettext_noop("person"),
        "error.emergency_reason": gettext_noop(
            "Say why, in %(least)s to %(most)s characters: everybody who sees the cluster reads it."
        ),
        "error.emergency_minutes": gettext_noop(
            "Emergency access lasts %(least)s to %(most)s minutes, not %(minutes)s."
        ),
        "error.emergency_open": gettext_noop("Your emergency access to “%(name)s” is open already."),
        "error.emergency_open.next": gettext_noop("Use its kubeconfig, or end it and enter again."),
        "error.emergency_ended": gettext_noop("The emergency access to “%(name)s” was ended before it had begun."),
        "error.emergency_none": gettext_noop("Nobody is in “%(name)s” by emergency access."),
        "error.emergency_no_api": gettext_noop("“%(name)s” is simulated: there is nothing to enter."),
        "error.emergency_no_api.next": gettext_noop("Choose a cluster that is not simulated."),
    }
)

declare("cluster.emergency", "reason", "minutes", "credential")
declare("cluster.emergency_end", "person")
