"""The issuer: what it says of itself, what it signs, and how its keys come and go without anybody noticing."""

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pks_portal.errors import Unavailable
from tenants import issuer
from tenants.issuer import signing
from tenants.models import SigningKey
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
CLUSTER = uuid4()


def opened(token, keys=None, audience=None):
    """Return a token's claims as an API server would find them, with the keys that it has."""
    known = {key["kid"]: jwt.PyJWK(key) for key in keys or Client().get("/.well-known/jwks.json").json()["keys"]}
    key = known[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience or issuer.audience(CLUSTER))


def test_what_it_says_is_what_api_servers_ask():
    signing.ensure()
    body = Client().get("/.well-known/openid-configuration").json()
    assert body["issuer"] == "https://localhost:8443"
    assert body["jwks_uri"] == "https://localhost:8443/.well-known/jwks.json"
    (key,) = Client().get("/.well-known/jwks.json").json()["keys"]
    assert set(key) >= {"kty", "kid", "n", "e"}
    assert "d" not in key, "no private part"


def test_a_token_says_who_for_five_minutes_and_one_cluster():
    signing.ensure()
    user = UserFactory.create()
    made = issuer.identity(user, CLUSTER, ["payments:operator"])
    claims = opened(made.token)
    assert claims["preferred_username"] == user.username
    assert claims["groups"] == ["payments:operator"]
    assert timedelta(minutes=4) < made.expires - timezone.now() <= timedelta(minutes=5)
    with pytest.raises(jwt.InvalidAudienceError):
        opened(made.token, audience=issuer.audience(uuid4()))
    with time_machine.travel(timezone.now() + timedelta(minutes=6)), pytest.raises(jwt.ExpiredSignatureError):
        opened(made.token)


def test_without_a_key_nobody_is_anybody():
    with pytest.raises(Unavailable):
        issuer.identity(UserFactory.create(), CLUSTER, [])


def test_a_rotation_passes_unnoticed(settings):
    """An API server reads the keys every 300 s at most, and never for a key that it does not know."""
    signing.ensure()
    user, now = UserFactory.create(), timezone.now()
    old = signing.current()[0]
    with time_machine.travel(now, tick=False) as clock:
        kept, read_at, names = issuer.published(), now, set()
        for second in range(0, 3600, 30):
            clock.move_to(now + timedelta(seconds=second))
            if second == 60:
                signing.rotate()
                assert signing.rotate() == SigningKey.objects.last(), "one that waits is enough"
            if timezone.now() - read_at >= timedelta(seconds=settings.ISSUER_KEYS_KEPT_SECONDS):
                kept, read_at = issuer.published(), timezone.now()
            token = issuer.identity(user, CLUSTER, []).token
            names.add(jwt.get_unverified_header(token)["kid"])
            opened(token, kept)
            signing.prune()
    assert len(names) == 2
    assert old not in {key["kid"] for key in kept}, "the old key is gone in the end"
    assert SigningKey.objects.count() == 1


def test_an_old_key_is_replaced_by_itself(settings):
    signing.ensure()
    signing.keep_fresh()
    assert SigningKey.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=settings.ISSUER_KEY_DAYS + 1)):
        signing.keep_fresh()
        assert SigningKey.objects.count() == 2


def test_private_keys_lie_sealed():
    signing.ensure()
    assert "PRIVATE" not in SigningKey.objects.get().pem
