"""What a manifest is and what it accompanies, as real clients write them; and no manifest raises."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.trust import kinds
from registry.trust.kinds import Kind, attestation_children, kind_of, subject_of
from registry.trust.signatures import NOTATION
from tests.registry import signing
from tests.registry.trust.strange import json, names

SUBJECT = signing.sha256(b"an image")
MANIFEST, INDEX = signing.MANIFEST, "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY, OCI = "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar+gzip"
TAG = SUBJECT.replace(":", "-")
SLSA = "https://slsa.dev/provenance/v1"


def manifest(config: str, *layers: str, **more: Any) -> dict[str, Any]:
    described = [{"mediaType": layer, "digest": SUBJECT, "size": 1} for layer in layers]
    return {"schemaVersion": 2, "config": {"mediaType": config}, "layers": described, **more}


@pytest.mark.parametrize(
    ("found", "media_type", "kind"),
    [
        (manifest(OCI, TAR, TAR), MANIFEST, Kind.IMAGE),
        (manifest(OCI), MANIFEST, Kind.IMAGE),
        (manifest("application/vnd.docker.container.image.v1+json", TAR), DOCKER, Kind.IMAGE),
        ({"manifests": []}, INDEX, Kind.INDEX),
        ({"manifests": []}, LIST, Kind.INDEX),
        ({"manifests": [], "mediaType": INDEX}, "", Kind.INDEX),
        ({"manifests": []}, "", Kind.INDEX),
        (signing.legacy(SUBJECT, signing.private_key()).manifest, MANIFEST, Kind.SIGNATURE),
        (signing.bundle(SUBJECT, signing.private_key()).manifest, MANIFEST, Kind.SIGNATURE),
        (manifest("application/vnd.dev.cosign.artifact.sig.v1+json", signing.SIMPLE), MANIFEST, Kind.SIGNATURE),
        (manifest(EMPTY, "application/jose+json", artifactType=NOTATION), "", Kind.SIGNATURE),
        (manifest(EMPTY, signing.BUNDLE, annotations={kinds.PREDICATE: SLSA}), MANIFEST, Kind.ATTESTATION),
        (manifest(OCI, "application/vnd.dsse.envelope.v1+json"), MANIFEST, Kind.ATTESTATION),
        (manifest(OCI, "application/vnd.in-toto+json", "application/vnd.in-toto+json"), MANIFEST, Kind.ATTESTATION),
        (manifest(OCI, "text/spdx+json"), MANIFEST, Kind.SBOM),
        (manifest(EMPTY, "application/json", artifactType="application/vnd.cyclonedx+json"), MANIFEST, Kind.SBOM),
        (manifest(EMPTY, TAR, artifactType="application/vnd.goharbor.harbor.sbom.v1"), MANIFEST, Kind.SBOM),
        (manifest("application/vnd.cncf.helm.config.v1+json", TAR), MANIFEST, Kind.CHART),
        (manifest("application/vnd.wasm.config.v1+json", "application/wasm"), MANIFEST, Kind.OTHER),
        (manifest(EMPTY, TAR, artifactType="application/vnd.example"), MANIFEST, Kind.OTHER),
        ({}, MANIFEST, Kind.OTHER),
    ],
)  # fmt: skip
def test_a_manifest_is_told_by_what_it_holds(found: dict[str, Any], media_type: str, kind: Kind) -> None:
    assert kind_of(found, media_type, None) is kind


@pytest.mark.parametrize("tag", [f"{TAG}.sig", f"{TAG}.att", f"{TAG}.sbom", TAG])
@pytest.mark.parametrize(
    "found",
    [
        manifest(OCI, TAR),
        manifest(OCI, signing.SIMPLE, TAR),
        manifest(OCI, signing.SIMPLE, "text/spdx"),
        manifest(OCI, TAR, artifactType=signing.BUNDLE),
        manifest(OCI, TAR, annotations={kinds.PREDICATE: SLSA}),
    ],
)
def test_an_image_that_runs_does_not_pass_for_what_accompanies_one(found: dict[str, Any], tag: str) -> None:
    assert kind_of(found, MANIFEST, tag) is Kind.IMAGE
    assert subject_of(found, tag) is None


def test_an_index_and_an_image_at_once_is_neither() -> None:
    both = manifest(OCI, TAR, manifests=[])
    assert [kind_of(both, kind, None) for kind in (MANIFEST, INDEX, "")] == [Kind.OTHER] * 3
    assert kind_of({"manifests": []}, MANIFEST, None) is Kind.OTHER


def test_a_list_of_referrers_is_no_index_of_images() -> None:
    listed = {"manifests": [{"digest": SUBJECT, "artifactType": signing.BUNDLE}]}
    assert kind_of(listed, INDEX, TAG) is Kind.OTHER
    assert kind_of(listed, INDEX, "1.0") is Kind.INDEX
    assert kind_of({"manifests": [{"digest": SUBJECT}]}, INDEX, TAG) is Kind.INDEX


def test_the_subject_is_what_the_manifest_says() -> None:
    made = signing.bundle(SUBJECT, signing.private_key()).manifest
    assert subject_of(made, None) == SUBJECT
    assert subject_of(made, f"sha256-{'0' * 64}.sig") == SUBJECT
    assert subject_of(manifest(OCI, TAR, subject={"digest": SUBJECT}), "1.0") == SUBJECT


def test_the_subject_is_what_cosigns_tag_says() -> None:
    made = signing.legacy(SUBJECT, signing.private_key()).manifest
    assert subject_of(made, signing.tag(SUBJECT)) == SUBJECT
    assert subject_of(manifest(OCI, "application/vnd.dsse.envelope.v1+json"), f"{TAG}.att") == SUBJECT
    assert subject_of(manifest(OCI, "text/spdx"), f"{TAG}.sbom") == SUBJECT


@pytest.mark.parametrize(
    "tag", [None, "", "latest", TAG, f"{TAG}.sig2", f"{TAG.upper()}.sig", f"x{TAG}.sig", f"{TAG}.sig\n"]
)
def test_another_tag_says_nothing_of_a_subject(tag: str | None) -> None:
    assert subject_of(signing.legacy(SUBJECT, signing.private_key()).manifest, tag) is None


def child(digest: str, **changed: Any) -> dict[str, Any]:
    said = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": SUBJECT}
    unknown = {"os": "unknown", "architecture": "unknown"}
    return {"digest": digest, "platform": unknown, "annotations": said} | changed


def test_buildkits_attestations_are_found_in_an_index() -> None:
    one, two = signing.sha256(b"1"), signing.sha256(b"2")
    index = {
        "manifests": [
            {"digest": SUBJECT, "platform": {"os": "linux", "architecture": "amd64"}},
            child(one),
            child(two, platform={"os": "linux", "architecture": "amd64"}),
            child(two, annotations={"vnd.docker.reference.digest": SUBJECT}),
            child(two, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
            child("nothing"),
        ]
    }
    assert attestation_children(index) == {one: SUBJECT}


NAMES = names("layers manifests config mediaType artifactType subject digest annotations platform os")


@given(st.dictionaries(NAMES, json(NAMES)), st.text() | st.sampled_from([MANIFEST, INDEX]), st.none() | st.text())
def test_no_manifest_raises(found: dict[str, Any], media_type: str, tag: str | None) -> None:
    assert kind_of(found, media_type, tag) in Kind
    assert subject_of(found, tag) is None
    assert attestation_children(found) == {}
