"""Texts of automation that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "error.out_of_scope": gettext_noop("This token may not do this. %(reason)s"),
        "error.out_of_scope.next": gettext_noop("Use a token that may, or sign in yourself."),
        "error.token_owner_disabled": gettext_noop("The account %(name)s is disabled."),
        "error.token_owner_disabled.next": gettext_noop("Enable it first."),
        "error.token_name_taken": gettext_noop("There is a token “%(name)s” already."),
        "error.token_name_taken.next": gettext_noop("Choose another name, or rotate the token that is there."),
        "error.token_too_many": gettext_noop("There are %(most)s tokens already, and more are not possible."),
        "error.token_too_many.next": gettext_noop("Revoke tokens that nobody uses."),
        "error.token_name": gettext_noop("A token needs a name."),
        "error.token_scopes": gettext_noop("Choose at least one of these scopes, and no other: %(known)s."),
        "error.token_days": gettext_noop("A token lives for 1 to %(most)s days."),
        "error.token_grace": gettext_noop("The secret before may stay good for 0 to %(most)s hours."),
        "error.token_networks": gettext_noop("At most %(most)s networks are possible."),
        "error.token_network_wrong": gettext_noop("“%(value)s” is no network such as 10.0.0.0/8 or 10.1.2.3."),
        "error.token_network": gettext_noop("This token may not be used from the address %(address)s."),
        "error.token_ended": gettext_noop("The token “%(name)s” has ended."),
        "error.token_ended.next": gettext_noop("Issue a new one."),
        "error.token_rotated": gettext_noop("The token “%(name)s” was rotated since this page was shown."),
        "error.token_rotated.next": gettext_noop("Reload the page; rotate it once more if you need to."),
        "error.token_not_yours": gettext_noop("Tokens of people are made and ended by themselves, signed in."),
        "error.token_not_yours.next": gettext_noop("Sign in yourself; a token cannot make tokens."),
        "error.account_name_taken": gettext_noop("There is a service account “%(name)s” already."),
        "error.account_name_long": gettext_noop("The name may have at most %(most)s characters."),
        "error.role_above_own": gettext_noop("You may not give the role %(role)s: it is above your own."),
        "error.rate_limited": gettext_noop("More than %(limit)s requests in a minute; the next in %(seconds)s s."),
        "error.rate_limited.next": gettext_noop("Wait as long as Retry-After says, and ask less often."),
        "error.rate_limited_address": gettext_noop(
            "More than %(limit)s requests in a minute from this address; the next in %(seconds)s s."
        ),
        "error.rate_limited_address.next": gettext_noop("Wait as long as Retry-After says, and ask less often."),
        "error.idempotency_key_wrong": gettext_noop("An Idempotency-Key has 1 to 80 characters of ASCII, no spaces."),
        "error.request_in_progress": gettext_noop("The first request with this Idempotency-Key is still under way."),
        "error.request_in_progress.next": gettext_noop("Send it again in a moment: you get the first one's answer."),
        "error.shown_once": gettext_noop(
            "This request was carried out and its answer was shown, once: it made %(name)s (%(id)s)."
        ),
        "error.shown_once.next": gettext_noop("If the answer is lost, revoke what was made and ask with a new key."),
        "notice.token.expiring": gettext_noop("The token %(name)s of %(owner)s ends at %(until)s."),
        "notice.account.token_expiring": gettext_noop("Your API token %(name)s ends at %(until)s."),
        "notice_kind.token.expiring": gettext_noop("A token of a service account ends soon"),
        "notice_kind.account.token_expiring": gettext_noop("A token of one's own ends soon"),
        "holding.service_account": gettext_noop("Service account"),
        "deed.token.issue": gettext_noop("issued the API token %(name)s"),
        "deed.token.rotate": gettext_noop("rotated the API token %(name)s"),
        "deed.token.revoke": gettext_noop("revoked the API token %(name)s"),
        "deed.token.refused": gettext_noop("refused the API token %(name)s, which came from a wrong network"),
        "deed.service_account.create": gettext_noop("made the service account %(name)s as %(role)s"),
        "deed.service_account.role": gettext_noop("gave the service account %(name)s the role %(role)s"),
        "deed.service_account.disable": gettext_noop("stopped the service account %(name)s"),
        "deed.service_account.enable": gettext_noop("let the service account %(name)s go on"),
        "deed.service_account.delete": gettext_noop("deleted the service account %(name)s"),
    }
)
