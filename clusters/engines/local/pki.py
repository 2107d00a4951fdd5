"""The certificates of a cluster: three authorities, so that a certificate for one of them opens nothing else.

All keys are ECDSA P-256 and made in some ten milliseconds. Leaves live as long as their authority: a control plane
must not stop by itself after a year; what people download lives for hours or days (access.py).
"""

import base64
import ipaddress
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clusters.engines.local import network
from clusters.engines.local.layout import Facts, Layout, make_directory
from clusters.engines.local.network import Network
from pks_portal import keys
from pks_portal.files import write

LIFE = timedelta(days=3650)
SLACK = timedelta(minutes=5)  # clocks of clients differ
SIMULATION_USER = "pks-portal:simulation"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority in memory."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @classmethod
    def make(cls, name: str) -> "Authority":
        """Make a new self-signed authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), _name(name), key, LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate: Path, key: Path) -> "Authority":
        """Read an authority from its two PEM files."""
        private = form.load_pem_private_key(keys.read(key), None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key} is not an elliptic-curve key")
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), private)

    @property
    def pem(self) -> Issued:
        return Issued(self._certificate.public_bytes(form.Encoding.PEM), _pem(self._key))

    def client(self, name: str, *groups: str, life: timedelta = LIFE) -> Issued:
        """Issue a certificate for a client; the name is at most 64 characters."""
        return self._issue(_name(name, *groups), (ExtendedKeyUsageOID.CLIENT_AUTH,), (), life)

    def server(self, name: str, alternatives: Sequence[str], *, also_client: bool = False) -> Issued:
        """Issue a certificate for a server with these names and addresses."""
        usages = (ExtendedKeyUsageOID.SERVER_AUTH, *((ExtendedKeyUsageOID.CLIENT_AUTH,) if also_client else ()))
        return self._issue(_name(name), usages, alternatives, LIFE)

    def _issue(
        self, name: x509.Name, usages: Sequence[x509.ObjectIdentifier], names: Sequence[str], life: timedelta
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, self._certificate.subject, key, life)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(_general, names)), critical=False)
        return Issued(builder.sign(self._key, hashes.SHA256()).public_bytes(form.Encoding.PEM), _pem(key))


def make(layout: Layout, facts: Facts, net: Network) -> None:
    """Make everything, or nothing: `pki` appears last and whole; until then the next call begins anew."""
    stage = layout.home / ".pki.new"
    for stale in (stage, layout.secrets):
        shutil.rmtree(stale, ignore_errors=True)
    cluster, portal = _contents(facts, net)
    make_directory(layout.secrets, mode=0o700)
    for name, data in portal.items():
        keep = keys.keep if name.endswith(".key") else write  # haproxy reads its own, with its certificate, as it is
        keep(layout.secrets / name, data)
    make_directory(stage, mode=0o700, owner=facts.owner)
    for name, data in cluster.items():
        write(stage / name, data, owner=facts.owner)
    stage.rename(layout.pki)


def kubeconfig(server: str, authority: bytes, user: str, issued: Issued, *, context: str = "cluster") -> str:
    """Return a kubeconfig with everything inside (JSON, which is YAML)."""
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": context, "cluster": {"server": server, "certificate-authority-data": _base64(authority)}}
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(issued.certificate),
                    "client-key-data": _base64(issued.key),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }
    return json.dumps(text, indent=2)


def _contents(facts: Facts, net: Network) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files of the cluster's processes and those that only the portal reads."""
    kubernetes, etcd, proxy = (Authority.make(name) for name in ("kubernetes-ca", "etcd-ca", "front-proxy-ca"))
    trust = kubernetes.pem.certificate
    cluster = {
        "ca.crt": trust,
        "ca.key": kubernetes.pem.key,  # the controller manager signs certificate requests with it
        "etcd-ca.crt": etcd.pem.certificate,
        "front-proxy-ca.crt": proxy.pem.certificate,
        **_pair("apiserver", kubernetes.server("kube-apiserver", _api_names(facts, net))),
        **_pair("etcd-client", etcd.client("kube-apiserver-etcd-client")),
        **_pair("front-proxy-client", proxy.client("front-proxy-client")),
        # No group: what reaches a kubelet is decided by the binding to system:kubelet-api-admin, nothing more.
        **_pair("kubelet-client", kubernetes.client("pks-portal:kubelet-client")),
        **_service_account_keys(),
    }
    for number in range(1, facts.members + 1):
        address = net.member(number)
        cluster |= _pair(f"etcd-{number}", etcd.server(f"etcd-{number}", [address, "localhost"], also_client=True))
        for part, user in (
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
        ):
            cluster |= _pair(f"{part}-{number}", kubernetes.server(f"kube-{part}", [address, "localhost"]))
            text = kubeconfig(f"https://{address}:{network.API}", trust, user, kubernetes.client(user))
            cluster[f"{part}-{number}.conf"] = text.encode()
    simulation = kubernetes.client(SIMULATION_USER)
    server = net.endpoint if facts.members > 1 or not net.namespace else f"https://{net.member(1)}:{network.API}"
    cluster["simulation.conf"] = kubeconfig(server, trust, SIMULATION_USER, simulation).encode()
    health = etcd.client("pks-portal:health")
    # What root reads is kept apart from what the cluster's own processes could replace.
    portal = {
        **_pair("ca", kubernetes.pem),
        **_pair("etcd-ca", etcd.pem),
        **_pair("front-proxy-ca", proxy.pem),
        "etcd-health.pem": health.certificate + health.key,
        **_pair("admin", kubernetes.client("pks-portal", "system:masters")),
    }
    return cluster, portal


def _api_names(facts: Facts, net: Network) -> list[str]:
    """Return all names of the API; .2 and .3 even with one member, for an upgrade without a gap."""
    service = "kubernetes.default.svc"
    names = ["kubernetes", "kubernetes.default", service, f"{service}.cluster.local", "localhost"]
    addresses = [net.member(number) for number in (1, 2, 3)] + [net.advertised(number) for number in (1, 2, 3)]
    return [*names, *filter(None, [facts.hostname]), "127.0.0.1", net.door, network.FIRST_SERVICE, *addresses]


def _service_account_keys() -> Mapping[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return {"service-account.key": _pem(key), "service-account.pub": public}


def _pair(name: str, issued: Issued) -> dict[str, bytes]:
    return {f"{name}.crt": issued.certificate, f"{name}.key": issued.key}


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(int.from_bytes(os.urandom(16), "big") >> 1)
    builder = builder.not_valid_before(now - SLACK).not_valid_after(now + life)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str, *groups: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
