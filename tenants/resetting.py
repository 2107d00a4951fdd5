"""Help for who has lost phone, key and recovery codes: they sign in by the password once, and add a new factor."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from pks_portal.errors import Forbidden, Invalid
from tenants import audit, leaving, notices
from tenants.access import require
from tenants.models import User

REASON_MAX = 200


def reset(actor: User, user: User, reason: str) -> int:
    """Remove somebody's second factors by hand and return how many there were, recovery codes as one.

    Raises Forbidden (also: nobody their own, or a thief of the session could), Invalid (no reason).
    """
    require(actor, "person.reset_factors", None)
    if actor.pk == user.pk:
        raise Forbidden("error.own_account")
    if not reason.strip():
        raise Invalid("error.reason_missing", field="reason")
    return remove(user, by=actor, reason=reason.strip())


@transaction.atomic
def remove(user: User, *, by: User | None, reason: str) -> int:
    """Remove the second factors, end all sessions and tell the person; `by` None: an operator at the machine.

    Asks for no right: see `reset`.
    """
    factors = Authenticator.objects.filter(user=user)
    count: int = factors.delete()[0]
    leaving.end_sessions(user)
    audit.record(by, "mfa.reset", user, reason=reason[:REASON_MAX])
    notices.tell("mfa.reset", to=[user], link="/accounts/security/")
    return count
