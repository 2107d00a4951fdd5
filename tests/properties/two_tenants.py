"""Two tenants that know each other's ids: everything of the other's is named by a canary, and all its rows are held."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import models
from django.db.models import Q

from clusters.models import Cloud, Cluster, Plan
from pks_portal.operations.models import Operation
from tenants.audit import record
from tenants.models import ApiToken, QuotaRequest, Role, ServiceAccount, Tenant, User
from tests.factories import MembershipFactory
from tests.permissions import of_directories, people
from tests.permissions.people import person, world_of

CANARY, OURS = "zqcanaryqz", "ours"
SLUGS = {CANARY: "zqslugqz", OURS: "our-line"}
SHARED = (User, Cloud, Plan)
"""What both tenants may point at; only the rows themselves must stay as they are."""
MOVING = {"sessions.Session", "tenants.AuditHead", "tenants.AuditSeal"}
"""Tables of the whole portal that everything done moves on."""


class LeakError(AssertionError):
    """One tenant saw, or changed, what is another's."""


@dataclass
class Held:
    """The other tenant's rows, in every table: those that it has, and all that point at one of them."""

    pks: dict[type[models.Model], list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = [model for model in apps.get_models() if model._meta.label not in MOVING]
        self.pks = {model: list(model._default_manager.values_list("pk", flat=True)) for model in found}
        self.owned = {model for model in found if model is Tenant or _leads_to_tenant(model)}
        self.programs = list(ServiceAccount.objects.values_list("user", flat=True))

    def look(self) -> dict[str, str]:
        """Return by table its rows as text."""
        return {
            model._meta.label: repr(sorted(map(repr, model._default_manager.filter(self._theirs(model)).values_list())))
            for model in self.pks
        }

    def _theirs(self, model: type[models.Model]) -> Q:
        found = Q(pk__in=self.pks[model])
        for name, target in _pointing(model):
            if target in self.owned:
                found |= Q(**{f"{name}__in": self.pks[target]})
            elif target is User and name == "user":
                found |= Q(user__in=self.programs)
        return found


def _pointing(model: type[models.Model]) -> Iterator[tuple[str, Any]]:
    for column in model._meta.get_fields():
        if isinstance(column, models.ForeignKey | models.OneToOneField):
            yield column.name, column.related_model


def _leads_to_tenant(model: type[models.Model], depth: int = 3) -> bool:
    return model not in SHARED and any(
        target is Tenant or (depth > 0 and target is not model and _leads_to_tenant(target, depth - 1))
        for _, target in _pointing(model)
    )


@dataclass
class Stage:
    """The two worlds, as the tables of rights know one, the people who act, and what must stay as it is."""

    mine: dict[str, Any]
    theirs: dict[str, Any]
    held: Held
    people: dict[str, User]
    """Of mine one of each role and a program; "admin of theirs" and "platform-admin" act in theirs."""

    @cached_property
    def telling(self) -> set[str]:
        """Return what only theirs know: the canary in all their names, their tenant's slug, and ids of their things."""
        ids = {str(value) for value in self.theirs.values() if isinstance(value, UUID)}
        return {CANARY, self.theirs["tenant"], *ids}

    def ids_of_theirs(self) -> set[str]:
        """Return the ids of what of theirs the feed tells of."""
        told = (Cluster, Operation, QuotaRequest)
        return {
            str(pk)
            for model in told
            for pk in model.objects.filter(tenant=self.theirs["row"]).values_list("pk", flat=True)
        }


def set_up(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Make both worlds; there is one platform, whose rows both know by id."""
    theirs = _world(monkeypatch, CANARY)
    for user in User.objects.filter(username__contains=CANARY):  # people are known to everybody
        user.username = user.display_name = f"somebody-{user.pk}"
        user.save()
        theirs |= {key: user.username for key in ("newcomer",) if theirs[key] == f"{CANARY}-newcomer"}
    UserSession.objects.update(session_key="t" * 32)
    held = Held()
    platform = {name: theirs[name] for name in ("directory", "directory_mapping")}
    monkeypatch.setattr(of_directories, "world", lambda canary: platform)
    mine = _world(monkeypatch, OURS)
    acting = {str(role): person(role, mine["row"]) for role in Role}
    acting["program"] = ServiceAccount.objects.get(tenant=mine["row"]).user
    acting |= {
        "admin of theirs": person("admin", theirs["row"]),
        "platform-admin": person("platform-admin", mine["row"]),
    }
    return Stage(mine, theirs, held, {who: user for who, user in acting.items() if user is not None})


def _world(monkeypatch: pytest.MonkeyPatch, canary: str) -> dict[str, Any]:
    monkeypatch.setattr(people, "CANARY", canary)
    made = world_of(MembershipFactory.create(tenant__slug=SLUGS[canary]))
    cluster = Cluster.objects.get(pk=made["cluster"])
    record(cluster.created_by, "cluster.label", cluster, tenant=made["row"])
    assert ApiToken.objects.filter(pk=made["token"], name__contains=canary).exists()
    return made
