"""The real cosign and we: what it signs we accept in both layouts and under every kind of key, and the other way about.

Built first (see clients.py), so it is not for every run: `make interop` names this file, nothing else collects it.
"""

import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from registry.trust import keys, signatures
from registry.trust.claims import Reason
from registry.trust.kinds import Kind, kind_of, subject_of
from tests.real.registry.clients import Clients, built
from tests.real.running import free_port, until
from tests.registry import signing
from tests.registry.signing import Signed

pytestmark = pytest.mark.real
INDEX = "application/vnd.oci.image.index.v1+json"
OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "--yes")
VERIFYING = ("--insecure-ignore-tlog=true", "--allow-http-registry")
PASSWORD = "of a key that lives for one test"
KEYS: dict[str, Callable[[], signing.PrivateKey]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 3072),
}
LAYOUTS = pytest.mark.parametrize("layout", ["legacy", "bundle"])


@dataclass(frozen=True)
class Place:
    """A registry without policy, the clients, and a home of their own."""

    url: str
    clients: Clients
    home: Path

    @property
    def repository(self) -> str:
        return f"{self.url.removeprefix('http://')}/shop/web"

    def run(self, program: Path, *words: str, succeeds: bool = True) -> str:
        quiet = {"PATH": os.environ["PATH"], "HOME": str(self.home), "COSIGN_PASSWORD": PASSWORD}
        done = subprocess.run(
            [program, *words], env=quiet, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout

    def cosign(self, *words: str, succeeds: bool = True) -> str:
        return self.run(self.clients.cosign, *words, succeeds=succeeds)

    def image(self, content: str) -> str:
        """Push an image of one file, and return its digest."""
        file, layer = self.home / "hello", self.home / "layer.tar"
        file.write_text(content)
        with tarfile.open(layer, "w") as archive:
            archive.add(file, "hello")
        pushed = self.run(
            self.clients.crane, "append", "--insecure", "--new_layer", str(layer), "--new_tag", f"{self.repository}:1"
        )
        return pushed.strip().rpartition("@")[2]

    def manifest(self, reference: str) -> dict[str, Any]:
        accepted = {"Accept": f"{signing.MANIFEST}, {INDEX}"}
        found = httpx.get(f"{self.url}/v2/shop/web/manifests/{reference}", headers=accepted)
        assert found.status_code == 200, found.text
        return dict(found.json())

    def push(self, signed: Signed, tag: str) -> str:
        """Store a signature under a tag, and return its digest."""
        for digest, content in signed.blobs.items():
            begun = httpx.post(f"{self.url}/v2/shop/web/blobs/uploads/")
            ended = httpx.put(httpx.URL(begun.headers["location"]).copy_add_param("digest", digest), content=content)
            assert ended.status_code == 201, ended.text
        return self.put(json.dumps(signed.manifest).encode(), signing.MANIFEST, tag)

    def put(self, content: bytes, media_type: str, tag: str) -> str:
        headers = {"Content-Type": media_type}
        done = httpx.put(f"{self.url}/v2/shop/web/manifests/{tag}", content=content, headers=headers)
        assert done.status_code == 201, done.text
        return done.headers["docker-content-digest"]

    def fetched(self, manifest: dict[str, Any]) -> dict[str, bytes]:
        wanted = signatures.needed_blobs(manifest)
        assert wanted
        return {one.digest: httpx.get(f"{self.url}/v2/shop/web/blobs/{one.digest}").content for one in wanted}

    def referrers(self, subject: str) -> list[dict[str, Any]]:
        """Return the manifests that the clients have listed under the tag that stands in for the referrers API."""
        listed = self.manifest(subject.replace(":", "-"))
        assert kind_of(listed, INDEX, subject.replace(":", "-")) is Kind.OTHER
        return [self.manifest(one["digest"]) for one in listed["manifests"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    settings = {
        "version": 0.1,
        "log": {"accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "of one test"},
    }
    (folder / "registry.yml").write_text(json.dumps(settings))
    (folder / "home").mkdir()
    with (folder / "registry.log").open("wb") as log:
        running = subprocess.Popen(["docker-registry", "serve", folder / "registry.yml"], stdout=log, stderr=log)
        try:
            until(lambda: _answers(f"http://127.0.0.1:{port}/v2/"), 30, what="the registry")
            yield Place(f"http://127.0.0.1:{port}", built(), folder / "home")
        finally:
            running.terminate()
            running.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def imported(place: Place, private: signing.PrivateKey, name: str) -> None:
    """Give cosign a key of ours: it keeps it sealed as <name>.key, with <name>.pub beside it."""
    form = serialization.PrivateFormat.PKCS8
    pem = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (place.home / f"{name}.pem").write_bytes(pem)
    place.cosign("import-key-pair", "--yes", "--key", f"{name}.pem", "--output-key-prefix", name)


def signed_by_cosign(place: Place, name: str, layout: str, subject: str) -> dict[str, Any]:
    """Have cosign sign, and return the manifest of the signature."""
    chosen = ["--new-bundle-format=false"] if layout == "legacy" else []
    place.cosign("sign", "--key", f"{name}.key", *OFFLINE, *chosen, f"{place.repository}@{subject}")
    if layout == "legacy":
        return place.manifest(signing.tag(subject))
    (only,) = place.referrers(subject)
    return only


@LAYOUTS
@pytest.mark.parametrize("kind", KEYS)
def test_what_cosign_signs_is_accepted(place: Place, kind: str, layout: str) -> None:
    subject = place.image(f"{kind} {layout}")
    imported(place, KEYS[kind](), kind)
    found = signed_by_cosign(place, kind, layout, subject)
    key, stranger = keys.parse((place.home / f"{kind}.pub").read_text()), signing.trusted(signing.private_key())
    tag = signing.tag(subject) if layout == "legacy" else None
    assert (kind_of(found, signing.MANIFEST, tag), subject_of(found, tag)) == (Kind.SIGNATURE, subject)
    blobs = place.fetched(found)
    accepted = signatures.verify(subject, found, blobs, [stranger, key])
    assert (accepted.valid, accepted.fingerprint) == (True, key.fingerprint)
    assert signatures.verify(subject, found, blobs, [stranger]).reason is Reason.WRONG_KEY
    assert signatures.verify(place.image("another"), found, blobs, [key]).reason is Reason.OTHER_SUBJECT


def test_a_key_pair_of_cosigns_own_making_is_read_and_its_private_half_refused(place: Place) -> None:
    place.cosign("generate-key-pair", "--output-key-prefix", "own")
    assert keys.parse((place.home / "own.pub").read_text()).kind == "ECDSA P-256"
    with pytest.raises(keys.Invalid) as refused:
        keys.parse((place.home / "own.key").read_text())
    assert refused.value.key == "error.key_private"


def test_a_second_persons_signature_is_found_beside_the_first(place: Place) -> None:
    subject = place.image("signed twice")
    for name in ("first", "second"):
        imported(place, signing.private_key(), name)
        found = signed_by_cosign(place, name, "legacy", subject)
    for name in ("first", "second"):
        key = keys.parse((place.home / f"{name}.pub").read_text())
        assert signatures.verify(subject, found, place.fetched(found), [key]).fingerprint == key.fingerprint


def test_the_hint_of_a_bundle_names_the_key(place: Place) -> None:
    subject = place.image("hinted")
    imported(place, signing.private_key(), "hinting")
    (blob,) = place.fetched(signed_by_cosign(place, "hinting", "bundle", subject)).values()
    hint = json.loads(blob)["verificationMaterial"]["publicKey"]["hint"]
    assert hint == keys.parse((place.home / "hinting.pub").read_text()).hint


@LAYOUTS
def test_an_attestation_is_no_signature(place: Place, layout: str) -> None:
    subject = place.image(f"attested {layout}")
    imported(place, signing.private_key(), "attesting")
    (place.home / "predicate.json").write_text('{"built": "by hand"}')
    chosen = ["--new-bundle-format=false"] if layout == "legacy" else []
    place.cosign(
        "attest", "--key", "attesting.key", "--predicate", "predicate.json", *OFFLINE, *chosen,
        f"{place.repository}@{subject}",
    )  # fmt: skip
    tag = signing.tag(subject).replace(".sig", ".att") if layout == "legacy" else None
    found = place.manifest(tag) if tag else place.referrers(subject)[0]
    key = keys.parse((place.home / "attesting.pub").read_text())
    blobs = place.fetched(found) if layout == "bundle" else {}
    assert (kind_of(found, signing.MANIFEST, tag), subject_of(found, tag)) == (Kind.ATTESTATION, subject)
    assert signatures.verify(subject, found, blobs, [key]).reason is Reason.NOT_A_SIGNATURE


@LAYOUTS
def test_what_cosign_signs_with_ed25519_neither_cosign_nor_we_accept(place: Place, layout: str) -> None:
    """It signs in a form that it does not verify (Ed25519ph); the day that this fails, `TrustedKey.made` can follow."""
    subject = place.image(f"Ed25519 {layout}")
    imported(place, ed25519.Ed25519PrivateKey.generate(), "edwards")
    found, key = (
        signed_by_cosign(place, "edwards", layout, subject),
        keys.parse((place.home / "edwards.pub").read_text()),
    )
    assert signatures.verify(subject, found, place.fetched(found), [key]).reason is Reason.WRONG_KEY
    place.cosign("verify", "--key", "edwards.pub", *VERIFYING, f"{place.repository}@{subject}", succeeds=False)


@LAYOUTS
@pytest.mark.parametrize("make", [signing.private_key, ed25519.Ed25519PrivateKey.generate])
def test_cosign_accepts_what_the_tests_sign(place: Place, layout: str, make: Callable[[], signing.PrivateKey]) -> None:
    """What other tests store as signatures are signatures."""
    subject, private = place.image(f"signed by us {layout} {make}"), make()
    (place.home / "ours.pub").write_text(signing.pem(private))
    (place.home / "other.pub").write_text(signing.pem(signing.private_key()))
    if layout == "legacy":
        place.push(signing.legacy(subject, private), signing.tag(subject))
    else:
        made = signing.bundle(subject, private)
        digest = place.push(made, "bundle")
        listed = {"mediaType": signing.MANIFEST, "digest": digest, "size": len(json.dumps(made.manifest)),
                  "artifactType": signing.BUNDLE, "annotations": made.manifest["annotations"]}  # fmt: skip
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}
        place.put(json.dumps(index).encode(), INDEX, subject.replace(":", "-"))
    image = f"{place.repository}@{subject}"
    said = place.cosign("verify", "--key", "ours.pub", *VERIFYING, image)
    assert subject in said
    place.cosign("verify", "--key", "other.pub", *VERIFYING, image, succeeds=False)
