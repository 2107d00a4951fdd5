"""Whatever strangers store as a signature is answered with a reason, never with an exception."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from registry.trust import claims, signatures
from tests.registry import signing
from tests.registry.signing import Signed
from tests.registry.trust import strange
from tests.registry.trust.strange import names
from tests.registry.trust.test_signatures import KEY, SUBJECT, TRUSTED, verdict

NAMES = names(
    "layers mediaType digest size annotations config artifactType subject critical image type dsseEnvelope payload "
    "payloadType signatures sig verificationMaterial publicKey hint certificate _type predicateType "
    f"docker-manifest-digest sha256 {claims.SIGNATURE} {claims.CERTIFICATE}"
)
JSON = strange.json(NAMES)
TYPES = st.sampled_from(list(claims.READERS))


@given(st.dictionaries(NAMES, JSON))
def test_no_manifest_raises(manifest: dict[str, Any]) -> None:
    assert isinstance(signatures.needed_blobs(manifest), list)
    assert not signatures.verify(SUBJECT, manifest, {}, [TRUSTED]).valid


@given(TYPES, st.binary() | JSON.map(lambda value: json.dumps(value).encode()), JSON)
@example(signing.SIMPLE, b"[" * signatures.LARGEST, {claims.SIGNATURE: "AA=="})
@example(signing.BUNDLE, b'{"a":' * 200_000, None)
@example(signing.BUNDLE, b"-" + b"1" * 100_000, None)
def test_no_blob_raises(media_type: str, blob: bytes, annotations: Any) -> None:
    manifest = {"layers": [signing.descriptor(media_type, blob, annotations=annotations)]}
    assert not verdict(Signed(manifest, {signing.sha256(blob): blob})).valid


@given(st.data())
def test_no_envelope_raises(data: st.DataObject) -> None:
    """One member of a good bundle, at any depth, becomes anything."""
    made = signing.enveloped(signing.statement(SUBJECT), KEY)
    kept = deepcopy(made["dsseEnvelope"])
    place: Any = data.draw(st.sampled_from([made, made["dsseEnvelope"], made["dsseEnvelope"]["signatures"][0]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    assert not verdict(signing.bundled(made, SUBJECT)).valid or made["dsseEnvelope"] == kept


@given(st.dictionaries(st.sampled_from(["_type", "subject", "predicateType"]), JSON, min_size=1))
def test_no_statement_raises(changed: dict[str, Any]) -> None:
    made = signing.enveloped(signing.statement(SUBJECT) | changed, KEY)
    assert not verdict(signing.bundled(made, SUBJECT)).valid or "predicateType" not in changed
