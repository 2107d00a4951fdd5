"""Tokens of people and service accounts that live for days: `pks_<id>_<secret>`, shown once, narrowed by scopes.

The owner's roles decide what a token may do; its scopes, networks and end only narrow that.
"""

import hashlib
import hmac
import ipaddress
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden, Invalid, PortalError
from tenants import audit, overseeing
from tenants.access import require
from tenants.models import ApiToken, Tenant, User
from tenants.scopes import Scope

SEEN_EVERY: Final = timedelta(minutes=1)
MOST: Final = 50
MOST_NETWORKS: Final = 20
LONGEST_GRACE: Final = 24
"""Hours for which the secret before a rotation may stay good."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a token is to be: `days` until it ends, `networks` (CIDRs) from which it may come, none: any."""

    name: str
    scopes: Sequence[str]
    days: int
    networks: Sequence[str] = field(default=())


class WrongNetwork(PortalError):
    """The token is right, but comes from where it may not."""


def longest_days() -> int:
    """Return for how many days a token may live at most."""
    return int(settings.TOKEN_MAX_DAYS)


def issue(actor: User, owner: User, wish: Wish) -> tuple[ApiToken, str]:
    """Make a token and return it with its text, which is nowhere kept.

    Raises Forbidden, Conflict (name taken, too many, the account is disabled), Invalid (scopes, days, networks).
    """
    may_manage(actor, owner)
    now = timezone.now()
    _check(wish, owner)
    networks = [_network(text) for text in wish.networks]
    with transaction.atomic():
        if not User.objects.select_for_update(no_key=True).get(pk=owner.pk).is_active:
            raise Conflict("error.token_owner_disabled", name=owner.username)
        held = ApiToken.objects.filter(user=owner)
        held.filter(expires_at__lt=now - timedelta(days=longest_days())).delete()
        if held.filter(name=wish.name).exists():
            raise Conflict("error.token_name_taken", field="name", name=wish.name)
        if held.count() >= MOST:
            raise Conflict("error.token_too_many", most=MOST)
        secret = secrets.token_urlsafe(32)
        token = ApiToken.objects.create(
            user=owner, name=wish.name, secret_hash=_hash(secret), scopes=sorted(set(wish.scopes)),
            networks=networks, made_by=actor, created_at=now, expires_at=now + timedelta(days=wish.days),
        )  # fmt: skip
        _record(actor, "issue", token, scopes=token.scopes, networks=networks, days=wish.days)
        _tell(actor, token)
    return token, _text(token, secret)


def rotate(actor: User, token: ApiToken, *, grace_hours: int, stamp: str | None = None) -> str:
    """Give a token a new secret and return its new text; the old one stays good for the hours given.

    Its end does not move. Raises Forbidden, Invalid (0 to 24 hours), Conflict (ended; or rotated since, where `stamp`
    names the secret to be replaced).
    """
    may_manage(actor, token.user)
    if not 0 <= grace_hours <= LONGEST_GRACE:
        raise Invalid("error.token_grace", field="grace_hours", most=LONGEST_GRACE)
    with transaction.atomic():
        token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
        now = timezone.now()
        if token.expires_at <= now:
            raise Conflict("error.token_ended", name=token.name)
        if stamp not in {None, token.stamp}:
            raise Conflict("error.token_rotated", name=token.name)
        secret = secrets.token_urlsafe(32)
        kept = now + timedelta(hours=grace_hours) if grace_hours else None
        token.previous_hash, token.previous_until = (token.secret_hash, kept) if kept else ("", None)
        token.secret_hash, token.rotated_at, token.made_by = _hash(secret), now, actor
        token.save(update_fields=["previous_hash", "previous_until", "secret_hash", "rotated_at", "made_by"])
        _record(actor, "rotate", token, grace_hours=grace_hours)
        _tell(actor, token)
    return _text(token, secret)


def revoke(actor: User, token: ApiToken) -> None:
    """End a token at once. Raises Forbidden."""
    may_manage(actor, token.user)
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk).delete()[0]:
            _record(actor, "revoke", token)


def end_all(user: User) -> int:
    """End every token of somebody who leaves, and return how many there were; call it inside the deed's transaction."""
    return ApiToken.objects.filter(user=user).delete()[0]


def read(text: str, address: str | None) -> ApiToken | None:
    """Return the living token of an active owner, None for anything else; raises WrongNetwork.

    Only who knows the secret learns that the network is wrong.
    """
    try:
        scheme, name, secret = text.split("_", 2)
        key = uuid.UUID(hex=name)
    except ValueError:
        return None
    now = timezone.now()
    living = ApiToken.objects.filter(pk=key, expires_at__gt=now, user__is_active=True)
    token = living.select_related("user").first()
    if scheme != "pks" or token is None or not _knows(token, secret):
        return None
    if not _within(address, token.networks):
        _refused(token)
        raise WrongNetwork("error.token_network", address=address or "-")
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_address=address)
    token.user.scope = frozenset(token.scopes)
    return token


def may_manage(actor: User, owner: User) -> None:
    """Raise Forbidden unless the actor may issue and revoke the owner's tokens: one's own, or a service account's.

    No token makes tokens: whoever got hold of one would have it for good.
    """
    if tenant := tenant_of(owner):
        require(actor, "token.manage", tenant)
    elif actor.pk != owner.pk or actor.scope is not None or not actor.is_active:
        raise Forbidden("error.token_not_yours")


def tenant_of(owner: User) -> Tenant | None:
    """Return the tenant of a service account, None of a person."""
    return owner.service_account.tenant if owner.kind == User.Kind.SERVICE else None


def scopes_for(owner_kind: str) -> list[Scope]:
    """Return the scopes that a token may have: a service account never has a role on the platform."""
    return [scope for scope in Scope if owner_kind == User.Kind.PERSON or scope is not Scope.PLATFORM]


def _check(wish: Wish, owner: User) -> None:
    if not wish.name.strip() or not wish.name.isprintable():
        raise Invalid("error.token_name", field="name")
    known = scopes_for(owner.kind)
    if not wish.scopes or set(wish.scopes) - set(known):
        raise Invalid("error.token_scopes", field="scopes", known=", ".join(known))
    if not 1 <= wish.days <= longest_days():
        raise Invalid("error.token_days", field="days", most=longest_days())
    if len(wish.networks) > MOST_NETWORKS:
        raise Invalid("error.token_networks", field="networks", most=MOST_NETWORKS)


def _network(text: str) -> str:
    """Return a network as it is kept: "10.0.0.0/8", and of an address, "10.1.2.3/32"."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=True))
    except ValueError:
        raise Invalid("error.token_network_wrong", field="networks", value=text[:60]) from None


def _within(address: str | None, networks: Iterable[str]) -> bool:
    allowed = [ipaddress.ip_network(network) for network in networks]
    if not allowed:
        return True
    try:
        came = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(came, "ipv4_mapped", None)  # "::ffff:10.0.0.1", from a dual-stack socket
    return any((mapped or came) in network for network in allowed)


def _knows(token: ApiToken, secret: str) -> bool:
    given = _hash(secret)
    if hmac.compare_digest(token.secret_hash, given):
        return True
    before = token.previous_until is not None and token.previous_until > timezone.now()
    return before and hmac.compare_digest(token.previous_hash, given)


def _refused(token: ApiToken) -> None:
    """Record a token from a wrong network, at most once a minute."""
    now = timezone.now()
    if token.refused_at is not None and now - token.refused_at < SEEN_EVERY:
        return
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(refused_at=now)
        _record(None, "refused", token)


def _record(actor: User | None, deed: str, token: ApiToken, **facts: object) -> None:
    audit.record(actor, f"token.{deed}", token.user, tenant=tenant_of(token.user), name=token.name, **facts)


def _tell(actor: User, token: ApiToken) -> None:
    """Tell a tenant's administrators when none of them now knows a secret of a service account."""
    if (tenant := tenant_of(token.user)) is not None:
        name, page = token.user.service_account.name, overseeing.ACCOUNTS
        overseeing.by_stranger("service_account.token", actor, tenant, page=page, name=name)


def _text(token: ApiToken, secret: str) -> str:
    return f"pks_{token.pk.hex}_{secret}"


def _hash(secret: str) -> str:
    """Return the digest to keep; the secret is 256 random bits, so a fast one is as good as a slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()
