"""Texts of notices and webhooks that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "notice.webhook.test": gettext_noop("This is a test of the webhook."),
        "notice.webhook.stopped": gettext_noop(
            "The webhook to %(host)s was turned off: it has failed for %(days)s days."
        ),
        "notice_kind.account.break_glass": gettext_noop("A local administrator signed in"),
        "notice_kind.mfa.app_add": gettext_noop("Authenticator app added"),
        "notice_kind.mfa.app_remove": gettext_noop("Authenticator app removed"),
        "notice_kind.mfa.codes_renew": gettext_noop("New recovery codes"),
        "notice_kind.mfa.key_add": gettext_noop("Security key added"),
        "notice_kind.mfa.key_remove": gettext_noop("Security key removed"),
        "notice_kind.webhook.stopped": gettext_noop("Webhook turned off"),
        "error.notice_kind_unknown": gettext_noop("There is no kind of notice “%(kind)s”."),
        "error.webhook_project": gettext_noop("The tenant has no image project “%(project)s”."),
        "error.webhooks_many": gettext_noop("There are %(most)s webhooks already; remove one first."),
        "error.webhook_exists": gettext_noop("There is a webhook to this address already."),
        "error.secret_renewed": gettext_noop(
            "The secret was replaced meanwhile; load the page again to replace it once more."
        ),
        "error.delivery_waiting": gettext_noop("The delivery is still waiting for its next attempt."),
        "error.delivery_refused": gettext_noop("The receiver answered %(status)s instead of 2xx."),
        "error.delivery_lost": gettext_noop("The attempts were cut off before an answer came."),
        "error.webhook_off": gettext_noop("The webhook was turned off before it was delivered."),
        "error.outside_characters": gettext_noop(
            "The address has characters that no address has, or is too long; write other scripts in their ASCII form."
        ),
        "error.outside_form": gettext_noop("Write an address without a user name and without a part after “#”."),
        "error.outside_scheme": gettext_noop("Write an address that begins with https:// and a host name."),
        "error.outside_place": gettext_noop(
            "The portal does not call %(host)s on port %(port)s: only https on usual ports, outside its own networks."
        ),
        "error.outside_place.next": gettext_noop(
            "A platform administrator can allow a network with PKS_WEBHOOK_ALLOW."
        ),
        "error.outside_slow": gettext_noop("The receiver did not answer within %(seconds)s seconds."),
        "error.outside_silent": gettext_noop("The receiver did not answer: no connection, or no sound one."),
        "error.outside_unknown": gettext_noop("The name %(host)s leads to no address."),
        "deed.webhook.create": gettext_noop("made a webhook"),
        "deed.webhook.change": gettext_noop("changed a webhook"),
        "deed.webhook.delete": gettext_noop("removed a webhook"),
        "deed.webhook.renew": gettext_noop("made a new secret for a webhook"),
        "deed.webhook.test": gettext_noop("tested a webhook"),
        "deed.webhook.resend": gettext_noop("sent an event again to a webhook"),
        "deed.webhook.stop": gettext_noop("turned off a webhook that had failed for days"),
        "fact.host": gettext_noop("host"),
        "fact.kinds": gettext_noop("kinds"),
        "fact.projects": gettext_noop("projects"),
        "fact.enabled": gettext_noop("enabled"),
        "fact.changed": gettext_noop("changed"),
        "fact.delivery": gettext_noop("delivery"),
    }
)
