"""Rotating the key ring takes the seeds of second factors along."""

import pytest
from allauth.mfa.models import Authenticator

from pks_portal import keyring
from pks_portal.upkeep import factors, sealing
from tenants.mfa import MFAAdapter
from tests.factories import UserFactory


@pytest.mark.django_db
def test_seeds_are_sealed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert factors.SOURCE in sealing.EXTRA
    user, adapter = UserFactory.create(), MFAAdapter()
    for kind, data in (("totp", {"secret": "A"}), ("recovery_codes", {"seed": "B", "used_mask": 1}), ("webauthn", {})):
        sealed = {name: adapter.encrypt(text) if isinstance(text, str) else text for name, text in data.items()}
        Authenticator.objects.create(user=user, type=kind, data=sealed)
    monkeypatch.setenv("PKS_KEY_RING", keyring.ring().renewed().text())
    assert {text.split(".")[1] for text in factors.texts()} == {"k1"}
    assert factors.renew() == 2
    assert factors.renew() == 0
    assert {text.split(".")[1] for text in factors.texts()} == {"k2"}
    assert adapter.decrypt(Authenticator.objects.get(type="totp").data["secret"]) == "A"
    codes = Authenticator.objects.get(type="recovery_codes").data
    assert (adapter.decrypt(codes["seed"]), codes["used_mask"]) == ("B", 1)
