"""Labels: make, change and delete them; put them on artifacts and take them off; take them along to copies.

A project has its own, for which its administrators answer; those of the platform every project may use.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from pks_portal.errors import Conflict, Invalid
from pks_portal.operations import live
from pks_portal.text import impossible
from registry import rights
from registry.models import Artifact, ArtifactLabel, Label, Project
from tenants import audit
from tenants.access import require
from tenants.models import User

MOST: Final = 100
"""Labels of one project, and of the platform."""
MOST_ON_ONE: Final = 20
LONGEST: Final = 40


def usable(project: Project) -> QuerySet[Label]:
    """Return the labels that may be put on what is in a project: its own, then the platform's."""
    return Label.objects.filter(Q(project=project) | Q(project=None)).order_by("project__name", "name")


def of_platform() -> QuerySet[Label]:
    """Return the labels that every project may use."""
    return Label.objects.filter(project=None)


def make(actor: User, project: Project | None, wanted: Mapping[str, Any]) -> Label:
    """Make a label out of {name, about, colour}, without a project one of the platform.

    Raises Forbidden, Invalid, Conflict (there is one, or there are too many).
    """
    _require(actor, project)
    if Label.objects.filter(project=project).count() >= MOST:
        raise Conflict("error.image_labels_many", most=MOST)
    return _saved(actor, Label(project=project, made_by=actor, **_checked(wanted)), "label_make")


def change(actor: User, row: Label, wanted: Mapping[str, Any]) -> Label:
    """Change a label, wherever it has been put. Raises Forbidden, Invalid, Conflict (there is one of that name)."""
    _require(actor, row.project)
    for name, value in _checked(wanted).items():
        setattr(row, name, value)
    return _saved(actor, row, "label_change")


@transaction.atomic
def delete(actor: User, row: Label) -> None:
    """Delete a label; it is gone from all that had it. Raises Forbidden."""
    _require(actor, row.project)
    _told(actor, row, "label_delete", artifacts=row.put.count())
    row.delete()


@transaction.atomic
def put(actor: User, artifact: Artifact, label_id: int) -> None:
    """Put a label on an artifact; one that is on it already stays. Raises Forbidden, Invalid, Conflict (too many)."""
    project = artifact.repository.project
    rights.require(actor, "registry.push", project)
    label = usable(project).filter(pk=label_id).first()
    if label is None:  # another project's is not there
        raise Invalid("error.image_label_unknown", field="label")
    if artifact.labelled.filter(label=label).exists():
        return
    if artifact.labelled.count() >= MOST_ON_ONE:
        raise Conflict("error.image_labels_on_one", field="label", most=MOST_ON_ONE)
    ArtifactLabel.objects.get_or_create(artifact=artifact, label=label, defaults={"put_by": actor.username})
    _changed(actor, artifact, label, "label_put")


@transaction.atomic
def take(actor: User, artifact: Artifact, label_id: int) -> None:
    """Take a label off an artifact; one that is not on it changes nothing. Raises Forbidden."""
    rights.require(actor, "registry.push", artifact.repository.project)
    row = artifact.labelled.select_related("label").filter(label=label_id).first()
    if row is not None and row.delete()[0]:
        _changed(actor, artifact, row.label, "label_take")


def take_along(source: Artifact, copied: Artifact, by: str) -> None:
    """Put on a copy the platform's labels of its source, and those that its own project has by the same name."""
    project = copied.repository.project_id
    names = source.labelled.exclude(label__project=None).values("label__name")
    platforms = source.labelled.filter(label__project=None).values("label")
    found = Label.objects.filter(Q(pk__in=platforms) | Q(project=project, name__in=names))
    ArtifactLabel.objects.bulk_create(
        [ArtifactLabel(artifact=copied, label=label, put_by=by) for label in found], ignore_conflicts=True
    )


def _require(actor: User, project: Project | None) -> None:
    if project is None:
        require(actor, "registry_platform.manage", None)
    else:
        rights.require(actor, "registry.configure", project)


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(wanted)
    if "name" in said:
        said["name"] = " ".join(said["name"].split())
        if not 1 <= len(said["name"]) <= LONGEST or impossible(said["name"]) or not said["name"].isprintable():
            raise Invalid("error.image_label_name", field="name", most=LONGEST)
    if said.get("colour", Label.Colour.GREY) not in Label.Colour.values:
        raise Invalid("error.image_label_colour", field="colour", known=", ".join(Label.Colour.values))
    return said


def _saved(actor: User, row: Label, deed: str) -> Label:
    """Save a label with its deed. Raises Conflict."""
    try:
        with transaction.atomic():
            row.save()
            _told(actor, row, deed, colour=row.colour)
    except IntegrityError:
        raise Conflict("error.image_label_there", field="name", name=row.name) from None
    return row


def _told(actor: User, row: Label, deed: str, **facts: Any) -> None:
    if row.project is None:
        audit.record(actor, f"registry.{deed}", audit.Thing("label", str(row.pk), row.name), label=row.name, **facts)
    else:
        audit.record(actor, f"registry.{deed}", row.project, tenant=row.project.tenant, label=row.name, **facts)


def _changed(actor: User, artifact: Artifact, label: Label, deed: str) -> None:
    tenant = artifact.repository.project.tenant
    audit.record(
        actor, f"registry.{deed}", artifact.repository, tenant=tenant, label=label.name, digest=artifact.digest
    )
    live.changed_soon("artifact", artifact.pk, tenant.pk)
