"""Tokens of signed-in people for REST and the command line: `pks_<id>_<secret>`, kept only as a hash.

One sign-in gives an access token and a refresh token. Refreshing gives a new pair and uses up the old refresh token; it
never lengthens the sign-in.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import audit, factors
from tenants.automation import tokens as lasting
from tenants.models import AccessToken, ApiToken, User

ACCESS_LIFETIME: Final = timedelta(hours=1)
SIGN_IN_LIFETIME: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
RACE: Final = timedelta(seconds=10)  # two programs that share a refresh token may use it at once


@dataclass(frozen=True, slots=True)
class Pair:
    """What one receives, once: the tokens in clear, the id of the access token, its seconds left."""

    user: User
    access: str
    refresh: str
    access_id: uuid.UUID
    expires_in: int


@transaction.atomic
def start(user: User, client: str) -> Pair:
    """Issue the tokens of a new sign-in, and record it."""
    AccessToken.objects.filter(user=user, expires_at__lt=timezone.now()).delete()
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    pair = _issue(user, client, uuid.uuid4(), timezone.now() + SIGN_IN_LIFETIME)
    audit.record(user, "session.start", user, client=client)
    return pair


def refresh(token: str) -> Pair | None:
    """Exchange a refresh token for a new pair; None when it is not valid any more.

    One that comes back after it was used was copied by somebody, so then the whole sign-in ends.
    """
    with transaction.atomic():
        row = _read(token, AccessToken.Kind.REFRESH)
        if row is None or factors.lacks_second_factor(row.user):
            return None
        if not AccessToken.objects.filter(pk=row.pk, last_used_at=None).update(last_used_at=timezone.now()):
            if row.last_used_at and timezone.now() - row.last_used_at > RACE:
                _end(row, "replayed")
            return None
        audit.record(row.user, "token.refresh", row.user, client=row.client)
        return _issue(row.user, row.client, row.session, row.expires_at)


def end(token: str) -> None:
    """End the sign-in that a token (of either kind) belongs to; an unknown token is no error."""
    with transaction.atomic():
        if row := _read(token, *AccessToken.Kind):
            _end(row, "signed out")


def _end(row: AccessToken, reason: str) -> None:
    AccessToken.objects.filter(session=row.session).delete()
    audit.record(row.user, "session.end", row.user, client=row.client, reason=reason)


def _issue(user: User, client: str, session: uuid.UUID, ends: datetime) -> Pair:
    now = timezone.now()
    expires = min(now + ACCESS_LIFETIME, ends)
    access_id, access = _create(AccessToken.Kind.ACCESS, expires, user=user, client=client, session=session)
    _, renewal = _create(AccessToken.Kind.REFRESH, ends, user=user, client=client, session=session)
    return Pair(user, access, renewal, access_id, int((expires - now).total_seconds()))


def _create(kind: str, expires: datetime, **owner: Any) -> tuple[uuid.UUID, str]:
    secret = secrets.token_urlsafe(32)
    facts = {"secret_hash": _hash(secret), "last_address": audit.origin.get().address}
    row = AccessToken.objects.create(kind=kind, expires_at=expires, **facts, **owner)
    return row.pk, f"pks_{row.pk.hex}_{secret}"


def _hash(secret: str) -> str:
    """Return the digest to keep; the secret is 256 random bits, so a fast one is as good as a slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(token: str, *kinds: str) -> AccessToken | None:
    """Return the living token of an active person, None for anything else."""
    try:
        scheme, name, secret = token.split("_", 2)
        key = uuid.UUID(hex=name)
    except ValueError:
        return None
    living = Q(pk=key, kind__in=kinds, expires_at__gt=timezone.now(), user__is_active=True)
    row = AccessToken.objects.select_related("user").filter(living).first()
    if scheme != "pks" or row is None or not hmac.compare_digest(row.secret_hash, _hash(secret)):
        return None
    return row


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer pks_…`; other schemes are left to others."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken | ApiToken] | None:
        """Return who sends the token, and the token; None without a bearer token; raises AuthenticationFailed.

        The user carries the token's scope; that of a sign-in has none, and may do all that the person may.
        """
        scheme, _space, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        if (row := _read(text.strip(), AccessToken.Kind.ACCESS)) is not None:
            _check(row.user)
            _seen(row)
            return row.user, row
        if (token := _lasting(text.strip())) is None:
            raise AuthenticationFailed(_("The token is not valid or no longer valid. Sign in again."))
        _check(token.user)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="pks-portal"'


def _check(user: User) -> None:
    """Raise AuthenticationFailed for people who must have a second factor and have none: no token is a way around."""
    if factors.lacks_second_factor(user):
        raise AuthenticationFailed(_("Your role needs a second factor. Add one on the page “Security”."))


def _lasting(text: str) -> ApiToken | None:
    """Return the living API token. Raises AuthenticationFailed when it comes from a wrong network."""
    try:
        return lasting.read(text, audit.origin.get().address)
    except lasting.WrongNetwork as error:
        raise AuthenticationFailed(error.detail) from error


def _seen(row: AccessToken) -> None:
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > SEEN_EVERY:
        AccessToken.objects.filter(pk=row.pk).update(last_used_at=now, last_address=audit.origin.get().address)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names it."""

    target_class = "tenants.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /oauth/token, or an API token."}
