"""How a scan is carried out: read what the image consists of, unless that is known; then have it judged."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from pks_portal.errors import NotFound, PortalError
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.runner import Stopped
from registry import telling
from registry.models import Artifact, Sbom
from registry.scanning import sbom, scans
from registry.scanning.binary import Unusable
from registry.scanning.confined import Halted, Stop
from registry.scanning.trivy import NAME, Image, Trivy
from registry.tokens import signing
from tenants.models import User

State = Artifact.ScanState
TOKEN_SECONDS = 3600


def turn(operation: Operation) -> Turn:
    """Take the next step: the SBOM, then the judgement.

    Raises NotFound (it was deleted), Stopped (somebody asked), Unusable, Unavailable.
    """
    try:
        return _turn(operation)
    except Halted:
        raise Stopped from None


def _turn(operation: Operation) -> Turn:
    artifact = _artifact(operation)
    kept = Sbom.objects.filter(artifact=artifact).first()
    if kept is None:
        Artifact.objects.filter(pk=artifact.pk).update(scan_state=State.RUNNING)
        scans.told(artifact)
        kept = _read(operation, artifact)
        operations.append(operation, "event.sbom_made", step="sbom", packages=len(kept.packages))
        operations.advance_steps(operation, {"sbom": 1})
        return Turn(again=0)
    if operations.advance_steps(operation, {"sbom": 1}):
        Artifact.objects.filter(pk=artifact.pk).update(scan_state=State.RUNNING)
        scans.told(artifact)
    _judged(operation, artifact, kept)
    operations.advance_steps(operation, {"judge": 1})
    return Turn(done=True)


def _artifact(operation: Operation) -> Artifact:
    rows = Artifact.objects.select_related("repository__project__tenant")
    if (artifact := rows.filter(pk=operation.subject_id).first()) is None:
        raise NotFound("error.not_found")
    return artifact


def _read(operation: Operation, artifact: Artifact) -> Sbom:
    """Have the image read. The registry is asked directly, with the portal's own right: policy is for people."""
    name = str(artifact.repository)
    token = signing.for_portal(name, "pull", seconds=TOKEN_SECONDS).removeprefix("Bearer ")
    image = Image(urlsplit(settings.REGISTRY_URL).netloc, name, artifact.digest, token)
    log = _log(operation, "sbom")
    trivy = Trivy(_stopped(operation))
    document = trivy.sbom(image, log)
    documents = scans.Documents(document, trivy.spdx(document, log))
    return scans.keep_sbom(artifact, NAME, documents, sbom.packages(document))


def _judged(operation: Operation, artifact: Artifact, kept: Sbom) -> None:
    """Have it judged, and tell what each scanner said. Raises Unusable where none could say anything."""
    every = scans.judge_all(artifact, kept, operation, _log(operation, "judge"), _stopped(operation))
    if all(scan.error_key for scan in every):
        raise Unusable(every[0].error_key, **every[0].error_args)
    for scan in every:
        if scan.error_key:
            reason = {"key": scan.error_key, "args": scan.error_args}
            operations.append(operation, "event.not_judged", step="judge", scanner=scan.scanner, reason=reason)
            continue
        operations.append(
            operation, "event.judged", step="judge", scanner=scan.scanner, findings=scan.findings.count(),
            database=scan.database, records=scan.database_records or 0,
            date=f"{scan.database_updated_at:%F}" if scan.database_updated_at else "?",
        )  # fmt: skip


def _stopped(operation: Operation) -> Stop:
    return lambda: operations.cancel_asked(operation)


def _log(operation: Operation, step: str) -> Any:
    def log(line: str) -> None:
        operations.append(operation, "event.scan_log", step=step, line=line)

    return log


def succeeded(operation: Operation) -> None:
    """Write the artifact's figures; a scan that every scanner failed shows as an error there."""
    if (artifact := _row(operation)) is not None:
        telling.scanned(scans.sum_up(artifact))


def failed(operation: Operation, error: PortalError) -> None:
    """The image could not be read, or nobody could judge it: that is an error, never a clean bill."""
    if (artifact := _row(operation)) is not None:
        scans.sum_up(artifact)
        telling.scan_failed(artifact, error)
    _settle(operation, State.ERROR)


def cancelled(operation: Operation) -> None:
    """Somebody stopped it."""
    _settle(operation, State.STOPPED)


def _settle(operation: Operation, state: str) -> None:
    if (artifact := _row(operation)) is not None:
        Artifact.objects.filter(pk=artifact.pk).update(scan_state=state)
        scans.told(artifact)


def _row(operation: Operation) -> Artifact | None:
    rows = Artifact.objects.select_related("repository__project__tenant")
    return rows.filter(pk=operation.subject_id).first()


@transaction.atomic
def retry(actor: User, operation: Operation) -> Operation:
    """Start the scan anew. Raises as scans.ask."""
    return scans.ask(actor, _artifact(operation))


declare(scans.KIND, Kind(turn=turn, succeeded=succeeded, failed=failed, cancelled=cancelled, retry=retry, attempts=3))
