"""Signatures in both of cosign's layouts: accepted whole, refused when changed, never an exception."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA384, SHA512

from pks_portal import messages
from registry.trust import claims, signatures
from registry.trust.claims import Reason
from registry.trust.keys import TrustedKey
from registry.trust.signatures import Verdict
from tests.registry import signing
from tests.registry.signing import Signed

KEY, OTHER = signing.private_key(), signing.private_key()
TRUSTED, STRANGER = signing.trusted(KEY), signing.trusted(OTHER)
SUBJECT, ANOTHER = signing.sha256(b"an image"), signing.sha256(b"another image")
P384 = ec.generate_private_key(ec.SECP384R1())
LAYOUTS = pytest.mark.parametrize("layout", [signing.legacy, signing.bundle])
Layout = Callable[..., Signed]
WHOLE = signing.legacy(SUBJECT, KEY)
SIGNATURE = WHOLE.manifest["layers"][0]["annotations"][claims.SIGNATURE]


def verdict(signed: Signed, *keys: Any, subject: str = SUBJECT) -> Verdict:
    """Return what is said with the blobs that are asked for, and no others."""
    wanted = {one.digest for one in signatures.needed_blobs(signed.manifest)}
    blobs = {digest: content for digest, content in signed.blobs.items() if digest in wanted}
    return signatures.verify(subject, signed.manifest, blobs, keys or (TRUSTED,))


def about(signed: Signed, **changed: Any) -> Signed:
    """Return a signature with members of its layer changed."""
    manifest = deepcopy(signed.manifest)
    manifest["layers"][0] |= changed
    return Signed(manifest, signed.blobs)


def bundle_of(change: Callable[[dict[str, Any]], object]) -> Signed:
    """Return a good bundle that was changed afterwards."""
    made = signing.enveloped(signing.statement(SUBJECT), KEY)
    change(made)
    return signing.bundled(made, SUBJECT)


@LAYOUTS
def test_a_signature_of_a_trusted_key_is_valid(layout: Layout) -> None:
    found = verdict(layout(SUBJECT, KEY), STRANGER, TRUSTED)
    assert (found.valid, found.fingerprint, found.reason) == (True, TRUSTED.fingerprint, None)
    assert found.key == "signature.valid"


@LAYOUTS
@pytest.mark.parametrize(
    ("private", "used"),
    [
        (P384, None),
        (P384, SHA384()),
        (ed25519.Ed25519PrivateKey.generate(), None),
        (rsa.generate_private_key(65537, 2048), None),
    ],
)
def test_every_kind_of_key_can_sign(layout: Layout, private: signing.PrivateKey, used) -> None:
    assert verdict(layout(SUBJECT, private, used), signing.trusted(private)).valid
    assert verdict(layout(SUBJECT, private, used)).reason is Reason.WRONG_KEY


@LAYOUTS
def test_another_hash_than_cosign_uses_is_refused(layout: Layout) -> None:
    assert verdict(layout(SUBJECT, KEY, SHA512())).reason is Reason.WRONG_KEY


@LAYOUTS
def test_a_signature_of_another_key_is_refused(layout: Layout) -> None:
    assert verdict(layout(SUBJECT, OTHER)) == Verdict(reason=Reason.WRONG_KEY)
    assert signatures.verify(SUBJECT, layout(SUBJECT, KEY).manifest, layout(SUBJECT, KEY).blobs, []).valid is False


@LAYOUTS
def test_a_signature_for_something_else_is_refused(layout: Layout) -> None:
    assert verdict(layout(ANOTHER, KEY)) == Verdict(reason=Reason.OTHER_SUBJECT)
    assert verdict(layout(SUBJECT, KEY), subject="").reason is Reason.OTHER_SUBJECT


@LAYOUTS
def test_one_good_signature_among_others_is_enough(layout: Layout) -> None:
    """Cosign adds a second person's signature to the manifest of the first."""
    bad, good = layout(SUBJECT, OTHER), layout(SUBJECT, KEY)
    layers = [*bad.manifest["layers"], *good.manifest["layers"], {"mediaType": signing.SIMPLE}]
    together = Signed(bad.manifest | {"layers": layers}, bad.blobs | good.blobs)
    assert verdict(together).fingerprint == TRUSTED.fingerprint
    assert verdict(together, signing.trusted(P384)).reason is Reason.WRONG_KEY


def test_the_newest_signatures_count_where_there_are_too_many() -> None:
    good, bad = signing.legacy(SUBJECT, KEY).manifest, signing.legacy(SUBJECT, OTHER)
    first = good | {"layers": good["layers"] + bad.manifest["layers"] * signatures.MOST}
    last = good | {"layers": bad.manifest["layers"] * signatures.MOST + good["layers"]}
    assert not verdict(Signed(first, bad.blobs)).valid
    assert verdict(Signed(last, bad.blobs)).valid


@LAYOUTS
def test_any_changed_byte_of_the_blob_is_noticed(layout: Layout) -> None:
    signed = layout(SUBJECT, KEY)
    digest = signed.manifest["layers"][0]["digest"]
    blob = signed.blobs[digest]
    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        assert verdict(Signed(signed.manifest, {digest: changed})).reason is Reason.MALFORMED


def test_any_changed_byte_of_what_is_signed_is_noticed() -> None:
    content = json.dumps(signing.payload(SUBJECT)).encode()
    kept = signing.simple(content, KEY).manifest["layers"][0]["annotations"]
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert not verdict(about(signing.simple(changed, KEY), annotations=kept)).valid


def test_a_bundle_that_is_still_valid_says_the_same() -> None:
    """What a bundle may lose is not signed: names of members that nobody needs, the hint."""
    good = json.dumps(signing.enveloped(signing.statement(SUBJECT), KEY)).encode()
    for place in range(len(good)):
        changed = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        if verdict(signing.bundled(changed, SUBJECT)).valid:
            kept, was = json.loads(changed)["dsseEnvelope"], json.loads(good)["dsseEnvelope"]
            assert (kept["payload"], kept["payloadType"]) == (was["payload"], was["payloadType"])
            assert b64decode(kept["signatures"][0]["sig"]) == b64decode(was["signatures"][0]["sig"])


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {}},
        {"annotations": None},
        {"annotations": {claims.SIGNATURE: 7}},
        {"annotations": {claims.SIGNATURE: ""}},
        {"annotations": {claims.SIGNATURE: "not base64!"}},
        {"annotations": {claims.SIGNATURE: "签名"}},
        {"annotations": {claims.SIGNATURE: f"!{SIGNATURE}"}},
        {"size": 1},
        {"digest": SUBJECT},
    ],
)
def test_a_layer_that_is_not_whole_is_malformed(change: dict[str, Any]) -> None:
    assert verdict(about(WHOLE, **change)).reason is Reason.MALFORMED
    assert verdict(WHOLE).valid


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": -1},
        {"size": True},
        {"size": 300.0},
        {"size": 10**30},
        {"size": "300"},
        {"size": signatures.LARGEST + 1},
        {"digest": "sha256:short"},
        {"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"},
        {"digest": ["sha256"]},
    ],
)
def test_a_layer_that_is_not_sane_is_not_even_fetched(change: dict[str, Any]) -> None:
    assert signatures.needed_blobs(about(WHOLE, **change).manifest) == []
    assert verdict(about(WHOLE, **change)).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"critical":' * 50_000,
        b"9" * 10_000,
        b"null",
        json.dumps(signing.payload(SUBJECT) | {"critical": []}).encode(),
        json.dumps(signing.payload("sha512:" + "0" * 128)).encode(),
        json.dumps(signing.payload(SUBJECT)).replace("cosign", "atomic").encode(),
        json.dumps(signing.payload(SUBJECT)).encode("utf-16"),
    ],
)
def test_a_signed_text_that_says_nothing_is_malformed(content: bytes) -> None:
    assert verdict(signing.simple(content, KEY)).reason is Reason.MALFORMED
    assert verdict(signing.bundled(content, SUBJECT)).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda made: made.pop("verificationMaterial"), None),
        (lambda made: made["verificationMaterial"]["publicKey"].update(hint=STRANGER.hint), None),
        (lambda made: made["verificationMaterial"].update(publicKey=[]), None),
        (lambda made: made.update(dsseEnvelope=[]), Reason.MALFORMED),
        (lambda made: made.pop("dsseEnvelope"), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"].update(payloadType="text/plain"), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"].update(payload="@"), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"].update(signatures=[]), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"].update(signatures=made["dsseEnvelope"]["signatures"] * 2), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"]["signatures"][0].update(sig=""), Reason.MALFORMED),
        (lambda made: made["dsseEnvelope"]["signatures"][0].update(sig=b64encode(b"x").decode()), Reason.WRONG_KEY),
    ],
)
def test_a_changed_bundle(change: Callable[[dict[str, Any]], object], reason: Reason | None) -> None:
    assert verdict(bundle_of(change)).reason is reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"predicateType": "https://slsa.dev/provenance/v1"}, Reason.NOT_A_SIGNATURE),
        ({"predicateType": None}, Reason.NOT_A_SIGNATURE),
        ({"_type": "https://in-toto.io/Statement/v9"}, Reason.MALFORMED),
        ({"subject": []}, Reason.OTHER_SUBJECT),
        ({"subject": None}, Reason.OTHER_SUBJECT),
        ({"subject": [{"digest": {"sha512": SUBJECT[7:]}}]}, Reason.OTHER_SUBJECT),
        ({"subject": [{"digest": {"sha256": SUBJECT}}]}, Reason.OTHER_SUBJECT),
        ({"subject": [{"digest": {"sha256": ANOTHER[7:]}}, {"digest": {"sha256": SUBJECT[7:]}}]}, None),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, None),
    ],
)
def test_what_a_trusted_key_signed_must_be_about_the_subject(changed: dict[str, Any], reason: Reason | None) -> None:
    made = signing.enveloped(signing.statement(SUBJECT) | changed, KEY)
    assert verdict(signing.bundled(made, SUBJECT)).reason is reason


def test_the_key_that_a_bundle_names_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[TrustedKey] = []
    monkeypatch.setattr(TrustedKey, "made", lambda self, *_: bool(tried.append(self)))  # type: ignore[func-returns-value]
    assert verdict(signing.bundle(SUBJECT, KEY), STRANGER, TRUSTED).reason is Reason.WRONG_KEY
    assert tried == [TRUSTED, STRANGER]


def test_a_payload_of_another_envelope_is_refused() -> None:
    """The length of the type is signed too: no byte can move from the type to the payload."""
    other = signing.enveloped(signing.statement(SUBJECT), OTHER)["dsseEnvelope"]["signatures"]
    assert verdict(bundle_of(lambda made: made["dsseEnvelope"].update(signatures=other))).reason is Reason.WRONG_KEY


def test_the_manifest_cannot_say_what_is_signed() -> None:
    moved = signing.bundle(ANOTHER, KEY)
    moved.manifest["subject"]["digest"] = SUBJECT
    assert verdict(moved).reason is Reason.OTHER_SUBJECT


def test_keyless_signatures_are_not_checked() -> None:
    annotations = signing.legacy(SUBJECT, OTHER).manifest["layers"][0]["annotations"]
    keyless = about(signing.legacy(SUBJECT, OTHER), annotations=annotations | {claims.CERTIFICATE: "-----BEGIN"})
    assert verdict(keyless).reason is Reason.UNSUPPORTED
    made = signing.enveloped(signing.statement(SUBJECT), OTHER) | {
        "verificationMaterial": {"certificate": {"rawBytes": "AA=="}}
    }
    assert verdict(signing.bundled(made, SUBJECT)).reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"artifactType": "application/vnd.cncf.notary.signature", "layers": []}, Reason.UNSUPPORTED),
        ({"layers": [{"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"}]}, Reason.UNSUPPORTED),
        ({"layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]}, Reason.NOT_A_SIGNATURE),
        ({"layers": [{"mediaType": "application/vnd.dsse.envelope.v1+json"}]}, Reason.NOT_A_SIGNATURE),
        ({"manifests": []}, Reason.NOT_A_SIGNATURE),
        ({}, Reason.NOT_A_SIGNATURE),
    ],
)
def test_what_is_not_a_signature_of_cosign_is_told_apart(manifest: dict[str, Any], reason: Reason) -> None:
    assert signatures.verify(SUBJECT, manifest, {}, [TRUSTED]) == Verdict(reason=reason)
    assert f"signature.{reason}" in messages.CATALOGUE


def test_a_message_signature_is_not_checked() -> None:
    message = {"mediaType": signing.BUNDLE, "messageSignature": {"signature": "AA=="}}
    assert verdict(signing.bundled(message, SUBJECT)).reason is Reason.UNSUPPORTED


@LAYOUTS
def test_only_the_signatures_blob_is_needed(layout: Layout) -> None:
    signed = layout(SUBJECT, KEY)
    layer = signed.manifest["layers"][0]
    doubled = signed.manifest | {"layers": [layer, layer, {"mediaType": "application/octet-stream"}]}
    (needed,) = signatures.needed_blobs(doubled)
    assert (needed.digest, needed.size, needed.media_type) == (layer["digest"], layer["size"], layer["mediaType"])


def test_a_blob_that_is_missing_or_too_large_is_malformed() -> None:
    signed = signing.legacy(SUBJECT, KEY)
    assert signatures.verify(SUBJECT, signed.manifest, {}, [TRUSTED]).reason is Reason.MALFORMED
    large = signing.simple(json.dumps(signing.payload(SUBJECT)).encode() + b" " * signatures.LARGEST, KEY)
    assert signatures.needed_blobs(large.manifest) == []
    assert signatures.verify(SUBJECT, large.manifest, large.blobs, [TRUSTED]).reason is Reason.MALFORMED
