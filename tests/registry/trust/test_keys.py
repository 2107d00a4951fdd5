"""Public keys as people paste them: read, named, and refused without a word of what was pasted."""

import hashlib
import subprocess
from base64 import b64decode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from pks_portal import messages
from pks_portal.errors import Invalid
from registry.trust import keys
from tests.registry import signing

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def refused(text: str) -> Invalid:
    """Return the error, which must hold no piece of the text."""
    with pytest.raises(Invalid) as caught:
        keys.parse(text, "pem")
    error = caught.value
    assert error.field == "pem"
    assert error.key in messages.CATALOGUE
    assert f"{error.key}.next" in messages.CATALOGUE
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    said = f"{error!r} {error.as_problem()}"
    assert not any(line in said for line in text.splitlines() if len(line) > 20 and "-----" not in line)
    return error


@pytest.mark.parametrize(
    ("private", "kind"),
    [
        (EC, "ECDSA P-256"),
        (ec.generate_private_key(ec.SECP384R1()), "ECDSA P-384"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (RSA, "RSA 2048"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_has_a_kind_a_fingerprint_and_a_hint(private: signing.PrivateKey, kind: str) -> None:
    der = private.public_key().public_bytes(DER, SPKI)
    key = keys.parse(signing.pem(private))
    assert (key.kind, key.pem) == (kind, signing.pem(private))
    assert key.fingerprint == hashlib.sha256(der).hexdigest()
    assert b64decode(key.hint) == hashlib.sha256(der).digest()


def test_the_fingerprint_is_what_openssl_says() -> None:
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"],
        input=signing.pem(EC).encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert keys.parse(signing.pem(EC)).fingerprint == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize(
    "spelling",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"\n\n  {text.replace(chr(10), chr(10) + '    ')}  \n",
        lambda text: f"our key of 2026:\n{text}\nthat was it",
        lambda text: "﻿" + text,
        lambda text: text.replace("\n", " "),
    ],
)
def test_what_mail_and_editors_do_to_a_text_does_no_harm(spelling) -> None:
    assert keys.parse(spelling(signing.pem(EC))) == keys.parse(signing.pem(EC))


def test_openssls_older_form_of_an_rsa_key_is_the_same_key() -> None:
    older = RSA.public_key().public_bytes(PEM, serialization.PublicFormat.PKCS1).decode()
    assert keys.parse(older) == keys.parse(signing.pem(RSA))


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL", "OpenSSH"])
@pytest.mark.parametrize("mangled", [str, str.lower, lambda text: text.replace("-----BEGIN", "BEGIN")])
def test_a_private_key_is_refused_as_one(form: str, mangled) -> None:
    chosen = getattr(serialization.PrivateFormat, form)
    text = EC.private_bytes(PEM, chosen, serialization.NoEncryption()).decode()
    assert refused(mangled(text)).key == "error.key_private"
    assert refused(signing.pem(EC) + mangled(text)).key == "error.key_private"


def test_cosigns_sealed_private_key_is_refused_as_one() -> None:
    text = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJrZGYiOnsibmFtZSI6InNjcnlwdCJ9fQ==\n-----END"
    assert refused(text).key == "error.key_private"


def test_two_keys_are_refused() -> None:
    assert refused(signing.pem(EC) + signing.pem(RSA)).key == "error.key_several"
    assert refused(signing.pem(EC) * 2).key == "error.key_several"


def test_a_certificate_is_refused_as_one() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    now = timezone.now()
    made = x509.CertificateBuilder(name, name, EC.public_key(), 1, now, now + timezone.timedelta(1)).sign(EC, SHA256())
    assert refused(made.public_bytes(PEM).decode()).key == "error.key_certificate"


@pytest.mark.parametrize(
    "public",
    [
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        dsa.generate_private_key(2048).public_key(),
    ],
)
def test_a_key_of_another_kind_is_refused(public) -> None:
    assert refused(public.public_bytes(PEM, SPKI).decode()).key == "error.key_unsupported"


@pytest.mark.parametrize("bits", [1024, 2047, 8193])
def test_an_rsa_key_that_is_too_short_or_too_long_is_refused(bits: int) -> None:
    public = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()
    error = refused(public.public_bytes(PEM, SPKI).decode())
    assert (error.key, error.facts["bits"]) == ("error.key_rsa_bits", bits)


def test_an_rsa_key_that_lets_anybody_sign_is_refused() -> None:
    """With the exponent 1 a signature is its own message."""
    sound = RSA.public_key().public_bytes(DER, SPKI)
    forged = sound.replace(bytes.fromhex("0203010001"), bytes.fromhex("0203000001"))
    assert forged != sound
    assert refused(serialized(forged)).key == "error.key_unreadable"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGu1tHV1vHPm6uZ0lQJb0s9nXg7xGJ1n9a1b2c3d4e5f someone@somewhere",
        signing.pem(EC).replace("-----END PUBLIC KEY-----", ""),
        signing.pem(EC).replace("-----END PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----"),
        "\n".join(signing.pem(EC).splitlines()[1:-1]),
        signing.pem(EC).replace("MFkw", "MFkx"),
        signing.pem(EC).replace("M", "\0", 1),
        signing.pem(EC)[:60] + "\ud800" + signing.pem(EC)[60:],
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        signing.pem(EC) + "x" * keys.LONGEST,
        "-----BEGIN PUBLIC KEY-----" * 10_000,
    ],
)
def test_garbage_is_refused(text: str) -> None:
    assert refused(text).key == "error.key_unreadable"


def test_a_point_off_the_curve_is_refused() -> None:
    der = EC.public_key().public_bytes(DER, SPKI)
    assert refused(serialized(der[:-1] + bytes([der[-1] ^ 1]))).key == "error.key_unreadable"


def serialized(der: bytes) -> str:
    from base64 import encodebytes

    return f"-----BEGIN PUBLIC KEY-----\n{encodebytes(der).decode()}-----END PUBLIC KEY-----\n"


@given(st.text() | st.binary(max_size=200).map(serialized))
def test_any_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        keys.parse(text)
    assert caught.value.key.startswith("error.key_")


@given(st.integers(0, 90), st.integers(0, 255))
def test_a_damaged_key_is_refused_or_another_key(place: int, byte: int) -> None:
    der = bytearray(EC.public_key().public_bytes(DER, SPKI))
    der[place] = byte
    try:
        key = keys.parse(serialized(bytes(der)))
    except Invalid:
        return
    assert (key == keys.parse(signing.pem(EC))) == (bytes(der) == EC.public_key().public_bytes(DER, SPKI))
