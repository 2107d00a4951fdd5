"""An image that calls itself an attestation is an image: what accompanies one is told by its content."""

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from registry import pulling
from registry.disguises import is_text
from registry.models import Artifact, Project
from registry.upkeep.store import opened
from tests.registry.images import CONFIG, INDEX, MANIFEST, Layout
from tests.registry.pushing import Pusher

IN_TOTO = "application/vnd.in-toto+json"


def tar() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("{"))
    return whole.getvalue()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"predicateType": "https://slsa.dev/provenance/v1"}\n', True), ("SPDXVersion: SPDX-2.3 é".encode(), True),
        (b"", True), (tar(), False), (gzip.compress(tar(), mtime=0), False),
        (b"\x28\xb5\x2f\xfd", False), (b"{\0}", False),
    ],
)  # fmt: skip
def test_text_is_told_from_archives(content: bytes, text: bool) -> None:
    assert is_text(content) is text


def masked(layout: Layout, content: bytes, **more: Any) -> dict[str, Any]:
    """Return an image whose layer is called an attestation."""
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": layout.blob(b'{"os": "linux"}', CONFIG),
        "layers": [layout.blob(content, IN_TOTO)], **more,
    }  # fmt: skip
    return layout.blob(json.dumps(manifest).encode(), MANIFEST)


def refusal(artifact: Artifact, project: Project) -> str:
    said = pulling.refusal(artifact, project)
    return "" if said is None else said.key


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("content", "kind"), [(gzip.compress(tar(), mtime=0), "image"), (b'{"about": "it"}', "attestation")]
)
def test_what_its_layers_hold_decides(pusher: Pusher, layout: Layout, content: bytes, kind: str) -> None:
    manifest = pusher.manifest(masked(layout, content))
    assert manifest.kind == "attestation"
    pusher.begin("dressed", manifest)
    with opened() as store:
        assert store.unmasked(str(pusher.name), manifest).kind == kind


@pytest.mark.django_db(transaction=True)
def test_saying_so_exempts_no_image(pusher: Pusher, layout: Layout, project: Project) -> None:
    project.signed_only = True
    image = layout.image({"run": "me"})
    about = json.loads((layout.path / "blobs/sha256" / image["digest"][7:]).read_text())
    with_subject = {**about, "subject": image}
    row = pusher.push("with-subject", pusher.manifest(layout.blob(json.dumps(with_subject).encode(), MANIFEST)))
    assert (row.kind, refusal(row, project)) == ("image", "refusal.unsigned")
    child = image | {
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:0"},
    }
    whole = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}
    plain = pusher.push(image["digest"], pusher.manifest(image))
    pusher.push("1", pusher.manifest(layout.blob(json.dumps(whole).encode(), INDEX)))
    assert refusal(plain, project) == "refusal.unsigned"
