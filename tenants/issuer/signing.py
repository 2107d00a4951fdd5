"""The signing keys' life: made, published ahead, used, kept a while for what they signed, dropped.

API servers keep the published keys as long as they were told to (KEPT) and do not ask again for a key that they do not
know. So a new key is published LEAD before it signs, and an old one stays published until nothing it signed is valid.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from pks_portal import sealed
from pks_portal.errors import Unavailable
from tenants import audit
from tenants.models import SigningKey

BITS: Final = 2048


def after() -> timedelta:
    """Return how long a key is still published after the next one signs: a token's life twice, as clocks differ."""
    return timedelta(seconds=2 * settings.ISSUER_TOKEN_SECONDS)


def lead() -> timedelta:
    """Return how long before its first use a key is published: three times as long as API servers keep keys."""
    return timedelta(seconds=3 * settings.ISSUER_KEYS_KEPT_SECONDS)


@transaction.atomic
def ensure() -> SigningKey:
    """Return the newest key, making the first, which signs at once: nobody has asked for keys yet."""
    _one_at_a_time()
    return SigningKey.objects.order_by("not_before").last() or _make(timedelta(0))


def _one_at_a_time() -> None:
    """Let nobody else make a key before this transaction ends: a new key has no row yet to lock.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {SigningKey._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")


@transaction.atomic
def rotate() -> SigningKey:
    """Make the next key: published now, in use after `lead()`. One that is waiting already is returned instead."""
    newest = ensure()
    return newest if newest.not_before > timezone.now() else _make(lead())


@transaction.atomic
def prune() -> int:
    """Drop keys of which no valid token is left; return how many."""
    now = timezone.now()
    using = SigningKey.objects.filter(not_before__lte=now).order_by("not_before").last()
    if using is not None:
        old = SigningKey.objects.filter(not_before__lt=using.not_before, expires_at=None)
        old.update(expires_at=max(now, using.not_before + after()))
    return sum(SigningKey.objects.filter(expires_at__lte=now).delete()[1].values())


@transaction.atomic
def keep_fresh() -> None:
    """Rotate when the key in use is older than ISSUER_KEY_DAYS, and prune: what beat does once a day."""
    prune()
    newest = ensure()
    if newest.not_before < timezone.now() - timedelta(days=settings.ISSUER_KEY_DAYS):
        audit.record(None, "issuer.rotate", rotate())


def current() -> tuple[str, rsa.RSAPrivateKey]:
    """Return the id and the private key that sign now. Raises Unavailable when there is none."""
    now = timezone.now()
    living = Q(expires_at=None) | Q(expires_at__gt=now)
    row = SigningKey.objects.filter(living, not_before__lte=now).order_by("not_before").last()
    if row is None:
        raise Unavailable("error.issuer_no_key", system="issuer")
    return _opened(row.pk, row.pem)


def published() -> list[dict[str, Any]]:
    """Return the public keys (JWK) that API servers should know, the waiting ones too."""
    living = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return [_described(*_opened(row.pk, row.pem)) for row in SigningKey.objects.filter(living)]


def _described(name: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kid": name, "kty": public["kty"], "use": "sig", "alg": "RS256", "n": public["n"], "e": public["e"]}


def _make(ahead: timedelta) -> SigningKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    row = SigningKey(not_before=timezone.now() + ahead)
    sealed.put(row, "pem", text)
    row.save(force_insert=True)
    return row


@lru_cache(maxsize=4)
def _opened(pk: UUID, text: str) -> tuple[str, rsa.RSAPrivateKey]:
    """Return a key's id and the key, ready to sign; parsing takes longer than signing."""
    pem = sealed.get(SigningKey(pk=pk, pem=text), "pem")
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"The signing key {pk} is not an RSA key.")
    return pk.hex, key
