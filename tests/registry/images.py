"""OCI image layouts made by hand: small images, indexes with several platforms, a layer of any size."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
PIECE = 1024 * 1024
PROGRAM = b"\x7fELF"
Files = Mapping[str, str | bytes]
"""Contents by path; what is a program may be run."""


class Layout:
    """A directory in the OCI image layout, to be filled and copied from by tag: `oci:<path>:<tag>`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs" / "sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries: list[dict[str, Any]] = []

    def blob(self, data: bytes, media_type: str = "") -> dict[str, Any]:
        """Keep some content and return its descriptor."""
        name = hashlib.sha256(data).hexdigest()
        (self.path / "blobs" / "sha256" / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    def image(
        self, files: Files, *, architecture: str = "amd64", layers: list[dict[str, Any]] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Make an image of one layer with these files (and layers made before), and return its descriptor."""
        plain = _tar(files)
        own = self.blob(gzip.compress(plain, mtime=0), f"{LAYER}+gzip")
        every = [*(layers or []), own]
        config = {
            "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z", "author": "tests",
            "config": {"Cmd": ["/hello"], "Labels": {"for": "tests"}, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
            "history": [
                {"created": "2026-01-01T00:00:00Z", "created_by": "COPY files /"},
                {"created": "2026-01-01T00:00:00Z", "created_by": 'CMD ["/hello"]', "empty_layer": True},
            ],
        }  # fmt: skip
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self.blob(_json(config), CONFIG), "layers": every,
            **({"annotations": dict(annotations)} if annotations else {}),
        }  # fmt: skip
        return self.blob(_json(manifest), MANIFEST)

    def index(self, architectures: list[str], *, attested: bool = False) -> dict[str, Any]:
        """Make an index with an image for each architecture, as BuildKit would with `attested`."""
        children = []
        for architecture in architectures:
            image = self.image({"hello": architecture}, architecture=architecture)
            children.append(image | {"platform": {"os": "linux", "architecture": architecture}})
            if attested:
                children.append(self._attestation(image["digest"]))
        return self.blob(_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}), INDEX)

    def _attestation(self, digest: str) -> dict[str, Any]:
        layer = self.blob(_json({"about": digest}), "application/vnd.in-toto+json")
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer],
            "config": self.blob(_json({"architecture": "unknown", "os": "unknown", "about": digest}), CONFIG),
        }  # fmt: skip
        return self.blob(_json(manifest), MANIFEST) | {
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest
            },
        }  # fmt: skip

    def large(self, size: int) -> dict[str, Any]:
        """Make a layer of so many bytes that nothing can compress; memory stays small."""
        passing, hashed = self.path / "large", hashlib.sha256()
        with passing.open("wb") as file:
            for _ in range(size // PIECE):
                piece = os.urandom(PIECE)
                hashed.update(piece)
                file.write(piece)
        passing.rename(self.path / "blobs" / "sha256" / hashed.hexdigest())
        return {"mediaType": LAYER, "digest": f"sha256:{hashed.hexdigest()}", "size": size - size % PIECE}

    def tag(self, name: str, descriptor: Mapping[str, Any]) -> str:
        """Give a manifest a name and return its digest."""
        named = {"annotations": {"org.opencontainers.image.ref.name": name}}
        self.entries.append({name: value for name, value in descriptor.items() if name != "annotations"} | named)
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.entries}))
        return str(descriptor["digest"])


def _tar(files: Files) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(raw), 0o755 if raw.startswith(PROGRAM) else 0o644
            archive.addfile(entry, io.BytesIO(raw))
    return whole.getvalue()


def _json(data: Any) -> bytes:
    return json.dumps(data).encode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
