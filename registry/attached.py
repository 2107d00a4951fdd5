"""SBOMs that people push for an image (cosign attach and attest, oras, BuildKit): what each is, and its text.

A pushed SBOM is what a stranger wrote. A worker reads it, within bounds, to say what it is and how many packages it
names; to people it is given as a file, as it lies in the registry, and never as a part of a page.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pks_portal.errors import Conflict, NotFound, PortalError
from registry.models import Artifact, ArtifactChild, AttachedSbom
from registry.scanning import sbom, scans
from registry.trust import reading
from registry.trust.claims import BUNDLES, IN_TOTO
from registry.trust.reading import Malformed
from registry.upkeep.store import Store, opened
from tenants.roles import send_soon

log = logging.getLogger(__name__)
Kind, Form = Artifact.Kind, AttachedSbom.Form
TASK: Final = "registry.tasks.read_attached"
HOLDERS: Final = (Kind.SBOM, Kind.ATTESTATION)
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an SBOM that is read or given out; a larger one is left to clients of the registry."""
MOST: Final = 8
"""Layers of one artifact that are looked at."""
AT_ONCE: Final = 20
DSSE: Final = "application/vnd.dsse.envelope.v1+json"
PREDICATES: Final = {"https://spdx.dev/Document": Form.SPDX, "https://cyclonedx.org/bom": Form.CYCLONEDX}
"""How the predicate types of in-toto statements around an SBOM begin; a version may follow."""
DECLARED: Final[Mapping[str, str]] = {
    "text/spdx": Form.SPDX, "text/spdx+json": Form.SPDX, "application/spdx+json": Form.SPDX,
    "application/vnd.cyclonedx": Form.CYCLONEDX, "application/vnd.cyclonedx+json": Form.CYCLONEDX,
    "application/vnd.cyclonedx+xml": Form.CYCLONEDX,
}  # fmt: skip
"""Media type of a layer → the form that it claims, believed where its text is no JSON."""
JSON_TYPES: Final = {Form.SPDX: "application/spdx+json", Form.CYCLONEDX: "application/vnd.cyclonedx+json"}
GIVEN: Final = frozenset({*DECLARED, IN_TOTO, DSSE, *BUNDLES})
"""Media types that a file is given out as; one of any other by the form that it turned out to have."""
ENDINGS: Final = {Form.SPDX: "spdx", Form.CYCLONEDX: "cdx"}


@dataclass(frozen=True, slots=True)
class File:
    """An SBOM to be downloaded."""

    name: str
    media_type: str
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What keeps a browser from taking a stranger's text for a page."""
        return {
            "Content-Disposition": f'attachment; filename="{self.name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }


def soon(artifact: Artifact) -> None:
    """Have a worker look whether an artifact holds SBOMs, if it is such that may."""
    if artifact.kind in HOLDERS:
        send_soon(TASK, str(artifact.pk))


def sweep() -> None:
    """Look into those that nobody has looked into, for a message was lost, or they are older than this code."""
    rows = Artifact.objects.filter(kind__in=HOLDERS, sboms=None).select_related("repository__project")
    for artifact in rows.order_by("pushed_at")[:AT_ONCE]:
        try:
            read(artifact)
        except PortalError as error:
            log.warning("The SBOMs of %s cannot be read: %s", artifact, error.cause)


def read(artifact: Artifact) -> None:
    """Write down which SBOMs an artifact holds. Raises Unavailable."""
    with opened() as store:
        found = [one for layer in artifact.layers[:MOST] if (one := _told(store, artifact, layer)).form]
    rows = found or [AttachedSbom(artifact=artifact, digest=artifact.digest)]
    AttachedSbom.objects.bulk_create(rows, ignore_conflicts=True)
    for about in _subjects(artifact):
        scans.told(about)


def file_of(artifact: Artifact, layer: str = "") -> File:
    """Return an SBOM that an artifact holds, of one layer or the first. Raises NotFound, Conflict, Unavailable."""
    rows = artifact.sboms.exclude(form="")
    row = rows.filter(digest=layer).first() if layer else rows.first()
    if row is None:
        raise NotFound("error.sbom_not_attached")
    if row.size > LARGEST:
        raise Conflict("error.sbom_large", most=LARGEST, digest=row.digest)
    with opened() as store:
        content = store.content(str(artifact.repository), row.digest, LARGEST)
    if content is None:
        raise NotFound("error.sbom_not_attached")
    declared = row.media_type in GIVEN
    media_type = row.media_type if declared else JSON_TYPES[Form(row.form)]
    kind = (
        "intoto.json" if media_type in {IN_TOTO, DSSE, *BUNDLES} else f"{ENDINGS[Form(row.form)]}.{_form(media_type)}"
    )
    name = f"{artifact.repository.name.replace('/', '-')}-{artifact.short}.{kind}"
    return File(name, media_type, content)


def _form(media_type: str) -> str:
    return "json" if media_type.endswith("json") else "xml" if media_type.endswith("xml") else "txt"


def _subjects(artifact: Artifact) -> Iterator[Artifact]:
    """Yield what an artifact is about: by its own word, or by that of an index (BuildKit)."""
    digests = {artifact.subject}
    children = ArtifactChild.objects.filter(parent__repository=artifact.repository_id, digest=artifact.digest)
    digests |= set(children.values_list("attests", flat=True))
    rows = Artifact.objects.filter(repository=artifact.repository_id, digest__in=digests - {""})
    yield from rows.select_related("repository__project")


def _told(store: Store, artifact: Artifact, layer: Mapping[str, Any]) -> AttachedSbom:
    """Return what a layer turns out to be; without a form it is no SBOM."""
    declared = str(layer["media_type"])[:150]
    row = AttachedSbom(artifact=artifact, digest=layer["digest"], media_type=declared, size=layer["size"])
    row.form = DECLARED.get(declared, "")
    content = store.content(str(artifact.repository), layer["digest"], LARGEST) if layer["size"] <= LARGEST else None
    if content is not None and (known := facts(content)) is not None:
        row.form, row.packages = known
    return row


def facts(content: bytes) -> tuple[str, int | None] | None:
    """Return the form of an SBOM and how many packages it names (None: unreadable); None where it is no JSON."""
    try:
        document = _document(reading.parsed(content))
    except Malformed:
        return None
    form = _form_of(document)
    if not form:
        return "", None
    try:
        return form, len(sbom.packages(json.dumps(document)))
    except PortalError:
        return form, None


def _form_of(document: object) -> str:
    if reading.text(document, "spdxVersion") or "spdx.org/rdf/3" in reading.text(document, "@context"):
        return Form.SPDX
    return Form.CYCLONEDX if reading.text(document, "bomFormat") == "CycloneDX" else ""


def _document(said: object) -> object:
    """Return the SBOM in a document: itself, or what a statement, in an envelope, in a bundle, is about.

    Raises Malformed.
    """
    envelope = reading.inner(said, "dsseEnvelope") or said
    if payload := reading.text(envelope, "payload"):
        said = reading.parsed(reading.decoded(payload))
    if not reading.text(said, "predicateType").startswith(tuple(PREDICATES)):
        return said
    predicate = reading.inner(said, "predicate")
    data = reading.inner(predicate, "Data")  # cosign wraps some once more
    return reading.parsed(data.encode()) if isinstance(data, str) else predicate if data is None else data
