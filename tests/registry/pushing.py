"""Pushes in the steps of the gateway, so that a test can stop after any of them."""

import json
from dataclasses import dataclass
from typing import Any

from registry import recording
from registry.images import read_facts
from registry.manifests import Manifest
from registry.models import Artifact, Project, Push
from registry.names import Name
from tests.registry import signing
from tests.registry.images import Layout
from tests.registry.store import Server, layout_blob, manifest_of

ORIGIN = recording.Origin(by="li.na", signs=True)


@dataclass
class Pusher:
    """Pushes what a layout has into one repository."""

    server: Server
    layout: Layout
    project: Project
    repository: str = "web"

    @property
    def name(self) -> Name:
        return Name(self.project.name, self.repository)

    def manifest(self, descriptor: dict[str, Any], reference: str = "") -> Manifest:
        return manifest_of(self.layout, descriptor, reference)

    def begin(self, reference: str, manifest: Manifest) -> Push:
        """The parts are there, and the push is counted: the registry does not know the manifest yet."""
        self.server.upload_parts(str(self.name), self.layout, manifest)
        return recording.begin(self.project, self.name, reference, manifest, ORIGIN)

    def keep(self, reference: str, manifest: Manifest) -> Push:
        """The registry has it, and nobody has written that down yet."""
        push = self.begin(reference, manifest)
        self.server.put(str(self.name), reference, manifest)
        return push

    def push(self, reference: str, manifest: Manifest) -> Artifact:
        push = self.keep(reference, manifest)
        config = {}
        if manifest.is_image and manifest.config is not None:
            config = read_facts(layout_blob(self.layout, manifest.config.digest))
        return recording.finish(push, manifest, config)

    def image(self, reference: str, **files: str) -> Artifact:
        """Push an image with these files."""
        return self.push(reference, self.manifest(self.layout.image(files)))

    def index(self, reference: str, *architectures: str, attested: bool = False) -> Artifact:
        """Push an index, its children first."""
        whole = self.manifest(self.layout.index(list(architectures), attested=attested), reference)
        for child in whole.children:
            self.push(
                child.part.digest, self.manifest({"digest": child.part.digest, "mediaType": child.part.media_type})
            )
        return self.push(reference, whole)

    def about(self, subject: Artifact) -> Artifact:
        """Push a bundle that is about an artifact, without a tag, as cosign's newer layout does."""
        made = signing.bundle(subject.digest, signing.private_key())
        for blob in made.blobs.values():
            self.layout.blob(blob)
        descriptor = self.layout.blob(json.dumps(made.manifest).encode(), signing.MANIFEST)
        return self.push(descriptor["digest"], self.manifest(descriptor))
