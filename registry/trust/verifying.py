"""Check signatures in the registry with the keys that their project trusts; say of images who signed them."""

import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import transaction

from pks_portal.errors import Unavailable
from pks_portal.operations import live
from registry.models import Artifact, ArtifactChild, Project, TrustedKey
from registry.tokens import signing
from registry.trust import keys, signatures

Signed = Artifact.Signed
SECONDS: Final = 10.0
LARGEST_MANIFEST: Final = 4 * 1024 * 1024


def pushed(artifact: Artifact) -> None:
    """See to what a push changes: a signature is checked, an image inherits from its index. Raises Unavailable."""
    if artifact.kind == Artifact.Kind.SIGNATURE:
        check(artifact)
    elif artifact.kind in {Artifact.Kind.IMAGE, Artifact.Kind.INDEX}:
        settle(artifact)


def check(signature: Artifact) -> None:
    """Check one signature, and write down of what it is about who signed it. Raises Unavailable."""
    project = signature.repository.project
    trusted = list(TrustedKey.objects.filter(project=project))
    known = [keys.parse(row.pem) for row in trusted]
    manifest = _manifest(signature)
    blobs = {one.digest: _blob(signature, one.digest) for one in signatures.needed_blobs(manifest)}
    verdict = signatures.verify(signature.subject, manifest, blobs, known)
    name = next((row.name for row in trusted if row.fingerprint == verdict.fingerprint), "")
    state = Signed.YES if verdict.valid and name else Signed.UNTRUSTED
    Artifact.objects.filter(pk=signature.pk).update(signed=state, signer=name)
    subject = Artifact.objects.filter(repository=signature.repository_id, digest=signature.subject).first()
    if subject is not None:
        settle(subject)


@transaction.atomic
def settle(artifact: Artifact) -> None:
    """Write whether an artifact is signed: itself, or by an index that names it; then look at what it names."""
    own = Artifact.objects.filter(
        repository=artifact.repository_id, subject=artifact.digest, kind=Artifact.Kind.SIGNATURE
    ).values_list("signed", "signer")
    state, signer = _state(list(own), artifact)
    if (state, signer) != (artifact.signed, artifact.signer):
        Artifact.objects.filter(pk=artifact.pk).update(signed=state, signer=signer)
        artifact.signed, artifact.signer = state, signer
        live.changed_soon("artifact", artifact.pk, artifact.repository.project.tenant_id)
    if artifact.kind == Artifact.Kind.INDEX:
        named = ArtifactChild.objects.filter(parent=artifact).values("digest")
        for child in Artifact.objects.filter(repository=artifact.repository_id, digest__in=named):
            child.repository = artifact.repository
            settle(child)


def _state(own: list[tuple[str, str]], artifact: Artifact) -> tuple[str, str]:
    for state, signer in own:
        if state == Signed.YES:
            return Signed.YES, signer
    parents = Artifact.objects.filter(repository=artifact.repository_id, children__digest=artifact.digest)
    inherited = parents.filter(signed__in=[Signed.YES, Signed.INHERITED]).order_by("pushed_at").first()
    if inherited is not None:
        return Signed.INHERITED, inherited.signer
    return (Signed.UNTRUSTED if own else Signed.NO), ""


def of_project(project: Project) -> Iterable[Artifact]:
    """Return the signatures in a project."""
    rows = Artifact.objects.filter(repository__project=project, kind=Artifact.Kind.SIGNATURE).exclude(subject="")
    return rows.select_related("repository__project__tenant").order_by("pk").iterator()


def _manifest(signature: Artifact) -> dict[str, Any]:
    raw = _get(signature, f"manifests/{signature.digest}", {"Accept": signature.media_type})
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _blob(signature: Artifact, digest: str) -> bytes:
    return _get(signature, f"blobs/{digest}", {})


def _get(signature: Artifact, what: str, headers: dict[str, str]) -> bytes:
    """Return some content of the signature's repository, nothing where it is not there. Raises Unavailable."""
    name = str(signature.repository)
    url = f"http://{urlsplit(settings.REGISTRY_URL).netloc}/v2/{name}/{what}"
    own = {"Authorization": signing.for_portal(name, "pull"), **headers}
    try:
        answer = httpx.get(url, headers=own, timeout=SECONDS, follow_redirects=True, trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable("error.registry_silent", system="registry", cause=type(error).__name__) from None
    return answer.content[:LARGEST_MANIFEST] if answer.status_code == httpx.codes.OK else b""
