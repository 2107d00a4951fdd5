"""Texts of tenants that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "error.forbidden": gettext_noop("You may not do this. %(reason)s"),
        "error.forbidden.next": gettext_noop("Ask an administrator of the tenant for the role."),
        "error.quota_exceeded": gettext_noop(
            "Quota exceeded: %(tenant)s may have %(limit)s (%(kind)s), has %(used)s, and this adds %(adds)s."
        ),
        "error.quota_exceeded.next": gettext_noop("Ask for less, free something, or have the quota raised."),
        "error.directory_unavailable": gettext_noop(
            "The directory server does not answer. Local administrators can still sign in."
        ),
        "error.directory_unavailable.next": gettext_noop("Try again in a moment."),
        "error.sign_in_unavailable": gettext_noop("Nobody can sign in right now: Redis does not answer."),
        "error.sign_in_unavailable.next": gettext_noop("Try again in a moment. Whoever is signed in already stays so."),
        "quota.clusters": gettext_noop("Clusters"),
        "quota.nodes": gettext_noop("Nodes"),
        "quota.vcpu": gettext_noop("vCPU"),
        "quota.memory_gib": gettext_noop("Memory (GiB)"),
        "error.tenant_unknown": gettext_noop("There is no tenant “%(tenant)s” that you can see."),
        "deed.session.start": gettext_noop("signed in"),
        "deed.session.end": gettext_noop("signed out"),
        "deed.session.refused": gettext_noop("was refused at sign-in"),
        "deed.session.unavailable": gettext_noop("could not sign in: the directory did not answer"),
        "deed.token.refresh": gettext_noop("renewed a token"),
        "deed.user.roles": gettext_noop("changed the roles that directory groups give"),
        "deed.user.rename": gettext_noop("took over a new name from the directory"),
        "deed.user.local_admin": gettext_noop("made a local administrator"),
    }
)
