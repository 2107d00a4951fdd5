"""Which keys a project trusts; when that changes, its signatures are checked anew, as a task."""

from typing import Final

from django.db import IntegrityError, transaction

from pks_portal.errors import Conflict, Invalid, NotFound
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry import rights
from registry.models import Artifact, Project, TrustedKey
from registry.trust import keys, verifying
from tenants import audit
from tenants.models import User

KIND: Final = "registry.verify"
MOST: Final = 50
LONGEST_NAME: Final = 80


def add(actor: User, project: Project, name: str, pem: str) -> TrustedKey:
    """Trust a public key, PEM. Raises Forbidden, Invalid (no public key), Conflict (known already, too many)."""
    rights.require(actor, "registry.configure", project)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid("error.key_name", field="name")
    key = keys.parse(pem)
    if project.trusted_keys.count() >= MOST:
        raise Conflict("error.key_too_many", most=MOST)
    try:
        with transaction.atomic():
            row = TrustedKey.objects.create(
                project=project, name=name, pem=key.pem, fingerprint=key.fingerprint, added_by=actor
            )
            audit.record(
                actor, "registry.key_add", project, tenant=project.tenant, key=name, fingerprint=key.fingerprint
            )
            _check_anew(project, actor)
    except IntegrityError:
        raise Conflict("error.key_known", field="name", name=name) from None
    return row


@transaction.atomic
def remove(actor: User, row: TrustedKey) -> None:
    """Trust a key no longer; what only it signed counts as not signed. Raises Forbidden."""
    project = row.project
    rights.require(actor, "registry.configure", project)
    if TrustedKey.objects.filter(pk=row.pk).delete()[0]:
        audit.record(
            actor, "registry.key_remove", project, tenant=project.tenant, key=row.name, fingerprint=row.fingerprint
        )
        _check_anew(project, actor)


def _check_anew(project: Project, actor: User) -> None:
    """Have the project's signatures checked; where that is under way it is begun anew by its own end."""
    if not Artifact.objects.filter(repository__project=project, kind=Artifact.Kind.SIGNATURE).exists():
        return
    for running in operations.unfinished(project.pk):
        Operation.objects.filter(pk=running.pk).update(wanted={"again": True})
        return
    new = operations.NewOperation(
        kind=KIND, subject_type="project", subject_id=project.pk, subject_name=project.name, steps=[("signatures", 1)],
        cancellable=False,
    )  # fmt: skip
    submit(operations.start(new, tenant=project.tenant, actor=actor))


def turn(operation: Operation) -> Turn:
    """Check every signature of the project. Raises NotFound, Unavailable."""
    project = Project.objects.select_related("tenant").filter(pk=operation.subject_id).first()
    if project is None:
        raise NotFound("error.not_found")
    Operation.objects.filter(pk=operation.pk).update(wanted={})
    for signature in verifying.of_project(project):
        verifying.check(signature)
    if Operation.objects.filter(pk=operation.pk, wanted__again=True).exists():
        return Turn(again=0)
    operations.advance_steps(operation, {"signatures": 1})
    return Turn(done=True)


declare(KIND, Kind(turn=turn, attempts=10))
