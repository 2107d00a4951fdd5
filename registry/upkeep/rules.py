"""Make, change and delete a project's rules: which tags are immutable, and what is retained."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction

from pks_portal.errors import Conflict, Invalid
from registry import patterns, rights
from registry.models import ImmutableRule, Project, RetentionRule
from tenants import audit
from tenants.models import User

Rule = TypeVar("Rule", ImmutableRule, RetentionRule)
Keep = RetentionRule.Keep
MOST: Final = 50
"""Rules of each sort in one project."""
MOST_NUMBER: Final = 10_000


def make_immutable(actor: User, project: Project, wanted: Mapping[str, Any]) -> ImmutableRule:
    """Make a rule out of {repositories, tags, disabled}. Raises Forbidden, Invalid, Conflict (there is one)."""
    rights.require(actor, "registry.configure", project)
    _refuse_many(project.immutable_rules.count())
    row = ImmutableRule(project=project, made_by=actor, **_checked(wanted))
    return _saved(actor, row, "immutable_make")


def change_immutable(actor: User, row: ImmutableRule, wanted: Mapping[str, Any]) -> ImmutableRule:
    """Change a rule. Raises Forbidden, Invalid, Conflict (there is such a one)."""
    rights.require(actor, "registry.configure", row.project)
    return _changed(actor, row, _checked(wanted), "immutable_change")


def make_retention(actor: User, project: Project, wanted: Mapping[str, Any]) -> RetentionRule:
    """Make a rule out of {repositories, tags, untagged, keep, number, disabled}.

    Raises Forbidden, Invalid, Conflict (there is such a one).
    """
    rights.require(actor, "registry.configure", project)
    _refuse_many(project.retention_rules.count())
    row = RetentionRule(project=project, made_by=actor, **_checked(wanted))
    _check_number(row)
    same = {name: getattr(row, name) for name in ("repositories", "tags", "untagged", "keep", "number")}
    if project.retention_rules.filter(**same).exists():
        raise Conflict("error.rule_there", field="tags")
    return _saved(actor, row, "retention_make")


def change_retention(actor: User, row: RetentionRule, wanted: Mapping[str, Any]) -> RetentionRule:
    """Change a rule. Raises Forbidden, Invalid."""
    rights.require(actor, "registry.configure", row.project)
    return _changed(actor, row, _checked(wanted), "retention_change")


@transaction.atomic
def delete(actor: User, row: ImmutableRule | RetentionRule) -> None:
    """Delete a rule. Raises Forbidden."""
    project = row.project
    rights.require(actor, "registry.configure", project)
    sort = "immutable" if isinstance(row, ImmutableRule) else "retention"
    audit.record(actor, f"registry.{sort}_delete", project, tenant=project.tenant, rule=str(row))
    row.delete()


def _changed(actor: User, row: Rule, wanted: Mapping[str, Any], deed: str) -> Rule:
    for name, value in wanted.items():
        setattr(row, name, value)
    _check_number(row)
    return _saved(actor, row, deed)


def _saved(actor: User, row: Rule, deed: str) -> Rule:
    """Save a rule with its deed. Raises Conflict."""
    try:
        with transaction.atomic():
            row.save()
            audit.record(
                actor, f"registry.{deed}", row.project, tenant=row.project.tenant,
                rule=str(row), disabled=row.disabled,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("error.rule_there", field="tags") from None
    return row


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: patterns.check(wanted[name], name) for name in ("repositories", "tags") if name in wanted}
    return {**wanted, **named}


def _check_number(row: ImmutableRule | RetentionRule) -> None:
    """Raise Invalid where a rule has a number that cannot be meant."""
    if not isinstance(row, RetentionRule):
        return
    if row.keep == Keep.ALWAYS:
        row.number = 0
    elif not 1 <= row.number <= MOST_NUMBER:
        raise Invalid("error.rule_number", field="number", most=MOST_NUMBER)


def _refuse_many(count: int) -> None:
    if count >= MOST:
        raise Conflict("error.rules_many", most=MOST)
