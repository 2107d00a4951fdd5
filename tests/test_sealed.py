"""Secrets at rest: sealed, bound to their place, readable through a change of keys."""

import uuid

import pytest

from pks_portal import keyring, sealed
from pks_portal.keyring import KeyRing, KeyRingError
from tenants.models import Tenant


@pytest.fixture
def ring() -> KeyRing:
    return keyring.ring()


def test_a_secret_opens_where_it_was_sealed_and_nowhere_else(ring):
    text = ring.seal("p4ss ✓".encode(), "a.b:1:password")
    assert "p4ss" not in text
    assert ring.open(text, "a.b:1:password").decode() == "p4ss ✓"
    for elsewhere in ("a.b:2:password", "a.b:1:token"):
        with pytest.raises(KeyRingError, match="damaged, or was sealed for another place"):
            ring.open(text, elsewhere)
    with pytest.raises(KeyRingError):
        ring.open(text[:-6] + "AAAAA=", "a.b:1:password")


def test_a_new_key_seals_while_the_old_one_still_opens(ring):
    old = ring.seal(b"x", "place")
    renewed = ring.renewed()
    assert renewed.active == "k2"
    assert renewed.open(old, "place") == b"x"
    assert renewed.stale(old)
    assert not renewed.stale(renewed.seal(b"x", "place"))
    with pytest.raises(KeyRingError, match="needs the key “k2”"):
        ring.open(renewed.seal(b"x", "place"), "place")
    assert KeyRing.parse(renewed.text()) == renewed
    assert "AAEC" not in repr(renewed)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"k1": "AAEC"}', '{"K 1": "' + "A" * 43 + '="}', '{"k1": 7}'])
def test_a_broken_ring_is_refused_without_showing_it(text):
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.parse(text)
    assert "AAEC" not in str(refusal.value)


def test_a_ring_is_made_once_and_only_for_its_owner(tmp_path):
    path = tmp_path / "key-ring"
    made = keyring.create(path)
    assert keyring.create(path) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_plain_text_never_reaches_the_column():
    field = sealed.SealedField(name="secret")
    field.model = Tenant
    with pytest.raises(ValueError, match="takes sealed text only"):
        field.get_prep_value("plain")
    assert field.get_prep_value("") == ""


def test_put_and_get_bind_to_the_row():
    row, other = Tenant(pk=7), Tenant(pk=8)
    sealed.put(row, "name", "geheim")
    assert sealed.get(row, "name") == "geheim"
    other.name = row.name
    with pytest.raises(KeyRingError):
        sealed.get(other, "name")
    with pytest.raises(ValueError, match="UUID"):
        sealed.put(Tenant(), "name", str(uuid.uuid4()))
