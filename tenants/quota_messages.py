"""Texts of quotas and requests that are stored as keys, and their deeds with the facts that each keeps."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants import audit

audit.declare("quota.change", "limits", "before")
audit.declare("quota.ask", "amounts", "reason", "task")
audit.declare("quota.approve", "amounts", "expires", "comment")
audit.declare("quota.reject", "comment")
audit.declare("quota.withdraw")
audit.declare("quota.lapse")
audit.declare("quota.expire", "amounts")

messages.add(
    {
        "quota.storage_gib": gettext_noop("Storage (GiB)"),
        "quota.registry_gib": gettext_noop("Registry storage (GiB)"),
        "quota.more": gettext_noop("more quota"),
        "quota_request.pending": gettext_noop("Waiting for a decision"),
        "quota_request.approved": gettext_noop("Approved"),
        "quota_request.rejected": gettext_noop("Rejected"),
        "quota_request.withdrawn": gettext_noop("Withdrawn"),
        "quota_request.lapsed": gettext_noop("Lapsed"),
        "holding.request": gettext_noop("Quota request"),
        "error.quota_kind": gettext_noop("There is no kind of quota “%(kind)s”."),
        "error.quota_amount": gettext_noop("Give a whole number from 0 to %(most)s."),
        "error.quota_nothing": gettext_noop("Say of what you want more."),
        "error.quota_unlimited": gettext_noop("%(kind)s is not limited: nobody need ask for it."),
        "error.comment_missing": gettext_noop("Say why: the person who asked reads it."),
        "error.grant_over": gettext_noop("Choose a moment in the future."),
        "error.grant_more": gettext_noop("Grant no more than was asked for: at most %(most)s."),
        "error.grant_nothing": gettext_noop("Grant something of what was asked for, or reject the request."),
        "error.day_wrong": gettext_noop("“%(value)s” is not a day."),
        "error.own_request": gettext_noop("It is your own request: somebody else decides."),
        "error.own_request.next": gettext_noop("Ask another platform administrator, or withdraw it."),
        "error.request_decided": gettext_noop("The request is no longer open: %(said)s, by %(by)s."),
        "notice.quota.requested": gettext_noop("%(person)s asks for more quota in %(tenant_name)s: %(what)s"),
        "notice.quota.approved": gettext_noop("%(actor)s approved the quota request in %(tenant_name)s: %(what)s"),
        "notice.quota.rejected": gettext_noop(
            "%(actor)s rejected the quota request in %(tenant_name)s: %(what)s. %(comment)s"
        ),
        "notice.quota.lapsed": gettext_noop(
            "The quota request in %(tenant_name)s lapsed, nobody can use it any more: %(what)s"
        ),
        "quota.amount": gettext_noop("%(kind)s: %(amount)s"),
        "notice.quota.expired": gettext_noop("What was granted to %(tenant_name)s for a while is over: %(what)s"),
        "notice_kind.quota.requested": gettext_noop("Quota request made"),
        "notice_kind.quota.approved": gettext_noop("Quota request approved"),
        "notice_kind.quota.rejected": gettext_noop("Quota request rejected"),
        "notice_kind.quota.lapsed": gettext_noop("Quota request lapsed"),
        "notice_kind.quota.expired": gettext_noop("Granted quota expired"),
        "deed.quota.change": gettext_noop("set the quota"),
        "deed.quota.ask": gettext_noop("asked for more quota"),
        "deed.quota.approve": gettext_noop("approved the quota request"),
        "deed.quota.reject": gettext_noop("rejected the quota request"),
        "deed.quota.withdraw": gettext_noop("withdrew the quota request"),
        "deed.quota.lapse": gettext_noop("let the quota request lapse: nobody can use it any more"),
        "deed.quota.expire": gettext_noop("ended what was granted for a while"),
    }
)
