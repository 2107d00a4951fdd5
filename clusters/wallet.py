"""The wallet: which kubeconfigs a person sees, which of them a list shows, and revoking many at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, Self
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from clusters import credentials
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import PortalError
from tenants.access import require, somewhere, tenants_where
from tenants.models import User
from tenants.scopes import within

STATES: Final = ("valid", "expired", "revoked")
Failed = list[tuple[Kubeconfig, PortalError]]


def visible_to(user: User) -> "QuerySet[Kubeconfig]":
    """Return the kubeconfigs that a person sees: their own everywhere, all of a tenant where they may list them."""
    if not within("kubeconfig.list", user.scope):
        return Kubeconfig.objects.none()
    theirs = Q(cluster__tenant__in=tenants_where(user, "kubeconfig.list"))
    rows = Kubeconfig.objects.filter(Q(holder=user) | theirs)
    return rows.select_related("cluster__tenant", "cluster__cloud", "holder")


def in_state(state: str) -> Q:
    """Return the condition of the kubeconfigs in a state."""
    over = Q(expires_at__lte=timezone.now())
    kept = Q(revoked_at=None)
    return {"valid": kept & ~over, "expired": kept & over, "revoked": ~kept}[state]


def getting(user: User, tenant: str = "") -> "QuerySet[Cluster]":
    """Return the clusters for which a person may get a kubeconfig, of one tenant (its slug) or of all."""
    rows = Cluster.objects.visible_to(user, "kubeconfig.view")
    if tenant:
        rows = rows.filter(tenant__slug=tenant)
    return rows.exclude(status=Cluster.Status.DELETING).select_related("tenant", "cloud", "plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the URL asks for; anything unknown counts as not asked."""

    q: str = ""
    state: str = ""
    kind: str = ""
    tenant: str = ""
    holder: str = ""
    cluster: UUID | None = None
    mine: bool = False

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Self:
        """Read the filters from a query."""
        texts = {name: str(query.get(name, "")).strip()[:150] for name in ("q", "tenant", "holder")}
        state, kind = str(query.get("state", "")), str(query.get("kind", ""))
        return cls(
            **texts,
            state=state if state in STATES else "",
            kind=kind if kind in Kubeconfig.Kind.values else "",
            cluster=uuid_or_none(str(query.get("cluster", ""))),
            mine=query.get("mine") == "1",
        )

    @property
    def any(self) -> bool:
        """Whether something is filtered out, the tenant aside, which is chosen elsewhere."""
        return bool(self.q or self.state or self.kind or self.holder or self.cluster or self.mine)

    def apart_from_state(self, rows: "QuerySet[Kubeconfig]", user: User) -> "QuerySet[Kubeconfig]":
        """Keep what matches; the state is left for the counts of each."""
        exact = {
            "kind": self.kind, "cluster__tenant__slug": self.tenant, "holder__username": self.holder,
            "cluster": self.cluster, "holder": user if self.mine else None,
        }  # fmt: skip
        rows = rows.filter(**{lookup: value for lookup, value in exact.items() if value})
        if not self.q:
            return rows
        names = ("cluster__name", "holder__username", "holder__display_name", "holder__display_name_zh")
        return rows.filter(reduce(or_, (Q(**{f"{name}__icontains": self.q}) for name in names)))

    def applied(self, rows: "QuerySet[Kubeconfig]", user: User) -> "QuerySet[Kubeconfig]":
        """Keep what matches, the newest first."""
        rows = self.apart_from_state(rows, user)
        return rows.filter(in_state(self.state) if self.state else Q()).order_by("-created_at", "pk")


def counts(rows: "QuerySet[Kubeconfig]") -> dict[str, int]:
    """Return how many there are, in all and in each state."""
    each = {state: Count("pk", filter=in_state(state)) for state in STATES}
    return rows.aggregate(all=Count("pk"), **each)


def mine(actor: User) -> list[Kubeconfig]:
    """Return one's own living kubeconfigs."""
    return list(visible_to(actor).filter(in_state("valid"), holder=actor))


def of_cluster(actor: User, cluster: Cluster) -> list[Kubeconfig]:
    """Return the living kubeconfigs of a cluster, to revoke them. Raises Forbidden."""
    require(actor, "kubeconfig.revoke", cluster.tenant)
    return list(visible_to(actor).filter(_endable(actor), in_state("valid"), cluster=cluster))


def of_holder(actor: User, holder: str) -> list[Kubeconfig]:
    """Return somebody's living kubeconfigs that the actor may revoke: those in tenants where the actor may do so.

    Raises Forbidden where there are no such tenants.
    """
    if holder != actor.username and not somewhere(actor, "kubeconfig.revoke"):
        require(actor, "kubeconfig.revoke", None)
    revocable = Q(cluster__tenant__in=tenants_where(actor, "kubeconfig.revoke")) | Q(holder=actor)
    return list(visible_to(actor).filter(revocable, _endable(actor), in_state("valid"), holder__username=holder))


def _endable(actor: User) -> Q:
    """Leave out what belongs to an emergency that the actor may not end."""
    ends = Q(cluster__tenant__in=tenants_where(actor, "cluster.emergency_end"))
    return Q(emergency=None) | Q(holder=actor) | ends


def revoke(actor: User, rows: Iterable[Kubeconfig]) -> tuple[list[Kubeconfig], Failed]:
    """Revoke each; one whose cluster does not answer keeps none of the others. Return those done and those not.

    Raises Forbidden before anything is revoked when the actor may not revoke one of them.
    """
    rows = list(rows)
    for row in rows:
        credentials.check_revocable(actor, row)
    done: list[Kubeconfig] = []
    failed: Failed = []
    for row in rows:
        try:
            credentials.revoke_kubeconfig(actor, row)
        except PortalError as error:
            failed.append((row, error))
        else:
            done.append(row)
    return done, failed


def uuid_or_none(text: str) -> UUID | None:
    """Return the id that a text is; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
