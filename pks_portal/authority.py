"""The portal's own certificate authority, and the certificate of the issuer that API servers ask over https.

The authority's key lies sealed (pks_portal/keys.py); its certificate is what clusters are given to trust, so it stays
the same while the server's certificate is renewed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pks_portal import files, keys

LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=397)
RENEW: Final = timedelta(days=60)
LEAF_LIFE: Final = timedelta(days=90)
LEAF_RENEW: Final = timedelta(days=30)
SLACK: Final = timedelta(minutes=5)
PUBLIC: Final = 0o644


def ensure(data: Path, names: Sequence[str]) -> bool:
    """Make `issuer/ca.pem` and `issuer/server.pem` (certificate and key, for haproxy) where missing, old or unfit.

    `names` are the server's host names and addresses. Returns whether the server's certificate is a new one.
    """
    home = data / "issuer"
    home.mkdir(mode=0o711, exist_ok=True)
    authority, key = _authority(data)
    server = home / "server.pem"
    if server.exists() and _good(server, authority, names):
        return False
    own = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(names[0], authority.subject, own.public_key(), SERVER_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    files.write(server, certificate.public_bytes(Encoding.PEM) + _pem(own))
    return True


def _authority(data: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, sealed = data / "issuer" / "ca.pem", data / "keys" / "sealed" / "authority.key"
    if certificate.exists() and sealed.exists():
        key = load_pem_private_key(keys.read(sealed), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{sealed} is not an elliptic-curve key")
        return x509.load_pem_x509_certificate(certificate.read_bytes()), key
    made = ec.generate_private_key(ec.SECP256R1())
    name = _name("PKS Portal authority")
    builder = _builder("PKS Portal authority", name, made.public_key(), LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = builder.sign(made, hashes.SHA256())
    sealed.parent.mkdir(mode=0o700, exist_ok=True)
    keys.keep(sealed, _pem(made))
    files.write(certificate, signed.public_bytes(Encoding.PEM), mode=PUBLIC)
    return signed, made


def _good(server: Path, authority: x509.Certificate, names: Sequence[str]) -> bool:
    """Say whether a server's certificate is of this authority, for these names, and good for a while."""
    found = x509.load_pem_x509_certificate(server.read_bytes())
    given = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if not issued_by(found, authority):
        return False
    return set(given) == set(map(_general, names)) and found.not_valid_after_utc - _now() > RENEW


def _builder(
    name: str, issuer: x509.Name, public: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = _now()
    builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - SLACK).not_valid_after(now + life)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - also where there is no Django


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def leaf(data: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return a certificate under the authority and its key, for what signs in the portal's name; renewed in time.

    They lie in `issuer/<name>.pem` and, sealed, in `keys/sealed/<name>.key`. Raises KeyRingError, OSError.
    """
    home, sealed = data / "issuer", data / "keys" / "sealed" / f"{name}.key"
    home.mkdir(mode=0o711, exist_ok=True)
    file = home / f"{name}.pem"
    with files.locked(home):
        authority, key = _authority(data)
        if file.exists() and sealed.exists() and (found := _leaf(file, sealed, authority)) is not None:
            return found
        own = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, authority.subject, own.public_key(), LEAF_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        keys.keep(sealed, _pem(own))
        files.write(file, certificate.public_bytes(Encoding.PEM), mode=PUBLIC)
        return certificate, own


def _leaf(
    file: Path, sealed: Path, authority: x509.Certificate
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """Return what is kept, unless it ends soon, is another authority's, or its two halves do not fit."""
    certificate, key = x509.load_pem_x509_certificate(file.read_bytes()), load_pem_private_key(keys.read(sealed), None)
    fits = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
    if not fits or certificate.not_valid_after_utc - _now() < LEAF_RENEW or not issued_by(certificate, authority):
        return None
    return certificate, key  # type: ignore[return-value]  # looked at above


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Say whether a certificate is of this authority."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
