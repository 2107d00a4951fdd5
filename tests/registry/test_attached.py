"""SBOMs that people push: told for what they are, counted within bounds, given out as files and never as pages."""

import json
from base64 import b64encode
from typing import Any
from unittest.mock import patch

import pytest

from registry import attached, followed, tasks
from registry.models import Artifact, ArtifactChild, AttachedSbom, Project
from tests.factories import MembershipFactory, UserFactory
from tests.permissions.people import browser_of
from tests.registry.images import CONFIG, INDEX, MANIFEST
from tests.registry.pushing import Pusher
from tests.tools import client_of

EMPTY = "application/vnd.oci.empty.v1+json"
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {"name": name, "versionInfo": "1", "externalRefs": [
            {"referenceType": "purl", "referenceLocator": f"pkg:npm/{name}@1"}]}
        for name in ("left-pad", "ms")
    ],
}  # fmt: skip
CYCLONEDX = {"bomFormat": "CycloneDX", "components": [{"type": "library", "name": "ms", "purl": "pkg:npm/ms@1"}]}
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"
DSSE = "application/vnd.dsse.envelope.v1+json"


def text(said: Any) -> bytes:
    return json.dumps(said).encode()


def statement(predicate: Any, kind: str = "https://spdx.dev/Document") -> dict[str, Any]:
    return {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": kind, "predicate": predicate}


def envelope(said: Any) -> dict[str, Any]:
    return {"payloadType": IN_TOTO, "payload": b64encode(text(said)).decode(), "signatures": []}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SPDX, ("spdx", 2)),
        (CYCLONEDX, ("cyclonedx", 1)),
        (statement(SPDX), ("spdx", 2)),
        (statement(CYCLONEDX, "https://cyclonedx.org/bom/v1.5"), ("cyclonedx", 1)),
        (statement({"Data": json.dumps(SPDX), "Timestamp": ""}), ("spdx", 2)),  # cosign's older attestations
        (envelope(statement(SPDX)), ("spdx", 2)),
        ({"dsseEnvelope": envelope(statement(CYCLONEDX, "https://cyclonedx.org/bom"))}, ("cyclonedx", 1)),
        ({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}, ("spdx", None)),
        ({"spdxVersion": "SPDX-2.3", "packages": 5}, ("spdx", None)),
        ({"bomFormat": "CycloneDX", "components": [[]]}, ("cyclonedx", None)),
        (statement({"buildType": "x"}, "https://slsa.dev/provenance/v1"), ("", None)),
        (statement("no object"), ("", None)),
        ([], ("", None)),
        ({}, ("", None)),
    ],
)
def test_what_a_text_is(content: Any, expected: tuple[str, int | None]) -> None:
    assert attached.facts(text(content)) == expected


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"payload": "!"}'])
def test_what_is_no_json_is_told_from_it(content: bytes) -> None:
    assert attached.facts(content) is None


def pushed(
    pusher: Pusher, subject: str, *layers: tuple[bytes, str], artifact_type: str = "", config: str = EMPTY
) -> Artifact:
    """Push an artifact about another, with these layers (content, media type), as oras does."""
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": pusher.layout.blob(b"{}", config),
        "layers": [pusher.layout.blob(content, media_type) for content, media_type in layers],
        **({"artifactType": artifact_type} if artifact_type else {}),
        **({"subject": {"mediaType": MANIFEST, "digest": subject, "size": 9}} if subject else {}),
    }  # fmt: skip
    descriptor = pusher.layout.blob(text(manifest), MANIFEST)
    return pusher.push(descriptor["digest"], pusher.manifest(descriptor))


@pytest.fixture
def image(pusher: Pusher) -> Artifact:
    return pusher.image("1.0", a="b")


@pytest.fixture
def viewer(project: Project) -> Any:
    return MembershipFactory.create(tenant=project.tenant, role="viewer").user


def read(artifact: Artifact) -> list[tuple[str, int | None]]:
    tasks.read_attached(str(artifact.pk))
    return list(artifact.sboms.exclude(form="").values_list("form", "packages"))


def test_an_sbom_by_oras_is_listed_and_downloaded(pusher: Pusher, image: Artifact, viewer: Any) -> None:
    content = text(SPDX)
    artifact = pushed(pusher, image.digest, (content, "application/spdx+json"), artifact_type="application/spdx+json")
    assert (artifact.kind, artifact.listed) == ("sbom", False)
    assert read(artifact) == [("spdx", 2)]
    page = browser_of(viewer).get(f"/images/shop/web@{image.digest}?tab=about", headers={"accept-language": "en"})
    assert b"2 packages" in page.content
    link = f"/registry/sbom/shop/web@{artifact.digest}?layer={artifact.layers[0]['digest']}"
    assert link.encode() in page.content
    for tab in ("packages", "about"):
        shown = browser_of(viewer).get(f"/images/shop/web@{image.digest}?tab={tab}")
        assert link.encode() in shown.content
    assert link.encode() in browser_of(viewer).get(f"/images/shop/web@{artifact.digest}").content
    for answer in (
        browser_of(viewer).get(link),
        client_of(viewer).get(f"/api/v1/registry/artifacts/{artifact.pk}/sbom"),
    ):
        assert (answer.content, answer["Content-Type"]) == (content, "application/spdx+json")
        assert answer["Content-Disposition"] == f'attachment; filename="web-{artifact.short}.spdx.json"'
        assert (answer["X-Content-Type-Options"], "sandbox" in answer["Content-Security-Policy"]) == ("nosniff", True)
    said = client_of(viewer).get(f"/api/v1/registry/artifacts/{image.pk}").json()["accessories"][0]
    assert [(one["form"], one["packages"], one["media_type"]) for one in said["sboms"]] == [
        ("spdx", 2, "application/spdx+json")
    ]


@pytest.mark.parametrize(
    ("content", "declared", "artifact_type", "expected", "given", "ending"),
    [
        (text(CYCLONEDX), "application/vnd.cyclonedx+json", "", ("cyclonedx", 1), "", "cdx.json"),
        (b"<bom/>", "application/vnd.cyclonedx+xml", "", ("cyclonedx", None), "", "cdx.xml"),
        (b"SPDXVersion: SPDX-2.3", "text/spdx", "", ("spdx", None), "", "spdx.txt"),
        (b"<script>alert(1)</script>", "application/spdx+json", "", ("spdx", None), "", "spdx.json"),
        # oras without a media type for the file: its manifest says what it is
        (text(SPDX), "application/vnd.oci.image.layer.v1.tar", "application/spdx+json", ("spdx", 2),
         "application/spdx+json", "spdx.json"),
        (text(statement(SPDX)), IN_TOTO, "", ("spdx", 2), "", "intoto.json"),
        (text(envelope(statement(SPDX))), DSSE, "", ("spdx", 2), "", "intoto.json"),
    ],
)  # fmt: skip
def test_each_way_of_pushing_one(
    pusher: Pusher, image: Artifact, viewer: Any, content: bytes, declared: str, artifact_type: str,
    expected: tuple[str, int | None], given: str, ending: str,
) -> None:  # fmt: skip
    artifact = pushed(pusher, image.digest, (content, declared), artifact_type=artifact_type)
    assert artifact.kind in {"sbom", "attestation"}
    assert read(artifact) == [expected]
    answer = browser_of(viewer).get(f"/registry/sbom/shop/web@{artifact.digest}")
    assert (answer.content, answer["Content-Type"]) == (content, given or declared)
    assert answer["Content-Disposition"].endswith(f'{ending}"')


def test_of_buildkit_the_sbom_stands_with_its_image(pusher: Pusher, image: Artifact, viewer: Any) -> None:
    provenance = statement({}, "https://slsa.dev/provenance/v1")
    layers = [(text(provenance), IN_TOTO), (text(statement(SPDX)), IN_TOTO)]
    attestation = pushed(pusher, "", *layers, config=CONFIG)
    assert (attestation.kind, attestation.subject) == ("attestation", "")
    index = pusher.layout.blob(
        text({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {"mediaType": MANIFEST, "digest": image.digest, "size": 1, "platform": {"os": "linux"}},
            {"mediaType": MANIFEST, "digest": attestation.digest, "size": 1,
             "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                             "vnd.docker.reference.digest": image.digest}},
        ]}), INDEX,
    )  # fmt: skip
    pusher.push("many", pusher.manifest(index))
    assert ArtifactChild.objects.get(attests=image.digest).digest == attestation.digest
    assert read(attestation) == [("spdx", 2)]
    page = browser_of(viewer).get(f"/images/shop/web@{image.digest}?tab=about", headers={"accept-language": "en"})
    assert b"2 packages" in page.content
    answer = client_of(viewer).get(f"/api/v1/registry/artifacts/{attestation.pk}/sbom")
    assert (answer.json(), answer["Content-Type"]) == (statement(SPDX), IN_TOTO)


def test_what_is_too_large_is_listed_and_left_to_clients(
    pusher: Pusher, image: Artifact, viewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "LARGEST", 10)
    artifact = pushed(pusher, image.digest, (text(SPDX), "application/spdx+json"))
    assert read(artifact) == [("spdx", None)]
    answer = client_of(viewer).get(f"/api/v1/registry/artifacts/{artifact.pk}/sbom")
    assert (answer.status_code, answer.json()["code"]) == (409, "sbom-large")
    assert artifact.layers[0]["digest"] in answer.json()["next"]


def test_a_push_has_it_read_and_the_sweep_finds_what_was_lost(
    pusher: Pusher, image: Artifact, django_capture_on_commit_callbacks: Any
) -> None:
    artifact = pushed(pusher, image.digest, (text(SPDX), "application/spdx+json"))
    with patch("celery.current_app.send_task") as send, django_capture_on_commit_callbacks(execute=True):
        followed.arrived(artifact)
        followed.arrived(image)
    asked = [call.kwargs["args"] for call in send.call_args_list if call.args == (attached.TASK,)]
    assert asked == [(str(artifact.pk),)]
    nothing = pushed(pusher, image.digest, (text(statement({}, "https://slsa.dev/provenance/v1")), IN_TOTO))
    tasks.read_attached()
    assert list(artifact.sboms.values_list("form", flat=True)) == ["spdx"]
    assert list(nothing.sboms.values_list("form", flat=True)) == [""]
    before = list(AttachedSbom.objects.values_list("pk", flat=True))
    tasks.read_attached()  # nobody looks twice
    tasks.read_attached(str(artifact.pk))
    assert list(AttachedSbom.objects.values_list("pk", flat=True)) == before


def test_who_does_not_see_the_project_gets_nothing(pusher: Pusher, image: Artifact, viewer: Any) -> None:
    artifact = pushed(pusher, image.digest, (text(SPDX), "application/spdx+json"))
    read(artifact)
    stranger = UserFactory.create()
    assert client_of(stranger).get(f"/api/v1/registry/artifacts/{artifact.pk}/sbom").status_code == 404
    assert browser_of(stranger).get(f"/registry/sbom/shop/web@{artifact.digest}").status_code == 404
    asked = client_of(viewer).get(f"/api/v1/registry/artifacts/{artifact.pk}/sbom", {"layer": f"sha256:{'0' * 64}"})
    assert asked.status_code == 404
