"""Robots: names and secrets for machines, good for one project, until a day; a secret is shown once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid
from registry import rights
from registry.models import Project, Robot
from registry.tokens.digests import digest_of
from tenants import audit
from tenants.models import User

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What a robot is to be: `rights` of Robot.Right, `days` until it ends."""

    name: str
    rights: Sequence[str]
    days: int
    about: str = ""


def longest_days() -> int:
    """Return for how many days a robot's secret may live at most."""
    return int(settings.ROBOT_MAX_DAYS)


def create(actor: User, project: Project, wish: Wish) -> tuple[Robot, str]:
    """Make a robot and return it with its secret, which is nowhere kept.

    Raises Forbidden, Conflict (name taken, too many), Invalid (rights, days), ValidationError (name).
    """
    rights.require(actor, "registry.robots", project)
    held = _rights(wish.rights)
    expires = _end(wish.days)
    if Robot.objects.filter(project=project).count() >= MOST:
        raise Conflict("error.robot_too_many", most=MOST)
    secret = _secret()
    robot = Robot(
        project=project, name=wish.name, about=wish.about, rights=held, secret_hash=digest_of(secret),
        made_by=actor, expires_at=expires,
    )  # fmt: skip
    robot.full_clean(exclude=["project", "made_by", "secret_hash"], validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            robot.save(force_insert=True)
            _record(actor, "create", robot, rights=held, days=wish.days)
    except IntegrityError:
        raise Conflict("error.robot_name_taken", field="name", name=wish.name) from None
    return robot, secret


@transaction.atomic
def rotate(actor: User, robot: Robot, days: int, *, stamp: str | None = None) -> str:
    """Give a robot a new secret for so many days and return it; the old one ends.

    Raises Forbidden, Invalid, Conflict (rotated since, where `stamp` names the secret to be replaced; or deleted).
    """
    rights.require(actor, "registry.robots", robot.project)
    secret, now, expires = _secret(), timezone.now(), _end(days)
    row = Robot.objects.select_for_update().filter(pk=robot.pk).first()
    if row is None:
        raise Conflict("error.robot_gone")
    if stamp not in {None, row.stamp}:
        raise Conflict("error.robot_rotated", name=robot.name)
    Robot.objects.filter(pk=robot.pk).update(
        secret_hash=digest_of(secret), rotated_at=now, expires_at=expires, warned_at=None
    )
    _record(actor, "rotate", robot, days=days)
    return secret


@transaction.atomic
def change(actor: User, robot: Robot, *, disabled: bool | None = None, held: Sequence[str] | None = None) -> Robot:
    """Stop a robot or let it go on, or change its rights. Raises Forbidden, Invalid."""
    rights.require(actor, "registry.robots", robot.project)
    if held is not None and (wanted := _rights(held)) != robot.rights:
        robot.rights = wanted
        _record(actor, "change", robot, rights=wanted)
    if disabled is not None and disabled != robot.disabled:
        robot.disabled = disabled
        _record(actor, "stop" if disabled else "resume", robot)
    robot.save(update_fields=["rights", "disabled"])
    return robot


@transaction.atomic
def delete(actor: User, robot: Robot) -> None:
    """Delete a robot; its secret is over at once. Raises Forbidden."""
    rights.require(actor, "registry.robots", robot.project)
    if Robot.objects.filter(pk=robot.pk).delete()[0]:
        _record(actor, "delete", robot)


def _rights(wanted: Sequence[str]) -> list[str]:
    known = [right.value for right in Robot.Right]
    if not wanted or set(wanted) - set(known):
        raise Invalid("error.robot_rights", field="rights", known=", ".join(known))
    return [right for right in known if right in wanted]


def _end(days: int) -> datetime:
    if not 1 <= days <= longest_days():
        raise Invalid("error.robot_days", field="days", most=longest_days())
    return timezone.now() + timedelta(days=days)


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _record(actor: User, deed: str, robot: Robot, **facts: object) -> None:
    audit.record(actor, f"registry.robot_{deed}", robot.project, tenant=robot.project.tenant, robot=robot.name, **facts)
