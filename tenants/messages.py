"""Texts of tenants that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "error.forbidden": gettext_noop("You may not do this. %(reason)s"),
        "error.forbidden.next": gettext_noop(
            "Ask for the role: a tenant's administrator gives those of the tenant, "
            "a platform administrator those of the platform."
        ),
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
        "deed.device.confirm": gettext_noop("let a program sign in as them"),
        "deed.device.refuse": gettext_noop("sent away a program that wanted to sign in as them"),
        "deed.token.refresh": gettext_noop("renewed a token"),
        "deed.user.roles": gettext_noop("changed the roles that directory groups give"),
        "deed.user.rename": gettext_noop("took over a new name from the directory"),
        "error.mfa_missing": gettext_noop("Your role needs a second factor, and you have none yet."),
        "error.mfa_missing.next": gettext_noop("Add an authenticator app or a security key on the page “Security”."),
        "error.mfa_last": gettext_noop("Your role needs a second factor: add another one before you remove this."),
        "error.step_up_required": gettext_noop("Prove who you are once more before you do this."),
        "error.step_up_required.next": gettext_noop("Confirm on the page at “link”, then send the request again."),
        "notice.mfa.app_add": gettext_noop("An authenticator app was added to your account."),
        "notice.mfa.app_remove": gettext_noop("The authenticator app was removed from your account."),
        "notice.mfa.key_add": gettext_noop("A security key was added to your account."),
        "notice.mfa.key_remove": gettext_noop("A security key was removed from your account."),
        "notice.mfa.codes_renew": gettext_noop("New recovery codes were made for your account."),
        "notice.account.break_glass": gettext_noop("The local administrator %(name)s signed in from %(address)s."),
        "deed.mfa.app_add": gettext_noop("added an authenticator app"),
        "deed.mfa.app_remove": gettext_noop("removed the authenticator app"),
        "deed.mfa.key_add": gettext_noop("added a security key"),
        "deed.mfa.key_remove": gettext_noop("removed a security key"),
        "notice.mfa.reset": gettext_noop("Your second factors were removed by the platform's operators."),
        "deed.mfa.reset": gettext_noop("removed the account's second factors: %(reason)s"),
        "deed.mfa.codes_renew": gettext_noop("made new recovery codes"),
        "deed.session.confirm": gettext_noop("proved again who they are"),
        "deed.session.break_glass": gettext_noop("signed in as a local administrator"),
        "deed.sso.link": gettext_noop("linked an account of the outside provider"),
        "deed.sso.unlink": gettext_noop("unlinked an account of the outside provider"),
        "deed.sso.newcomer": gettext_noop("got an account by the outside provider"),
        "deed.user.local_admin": gettext_noop("made a local administrator"),
    }
)
