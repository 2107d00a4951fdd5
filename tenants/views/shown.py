"""A quota request as pages show it: in the list, and by itself with all that one who decides should know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pks_portal import messages
from tenants import quotas, requests
from tenants.access import Decision
from tenants.capacity import Capacity
from tenants.models import QuotaKind, QuotaRequest, Tenant, User
from tenants.views.pictures import Bar, Trend

LOOKS = {  # status → (tone of the note, icon)
    "approved": ("ok", "circle-check"),
    "rejected": ("bad", "circle-x"),
}


class Item:
    """A request in a list."""

    def __init__(self, request: QuotaRequest) -> None:
        self.request = request

    @property
    def pk(self) -> Any:
        return self.request.pk

    @property
    def title(self) -> str:
        """What is wished, or by how much more is asked for where nothing waits for it."""
        if said := self.request.wish_said:
            return messages.render(said["key"], said["args"])
        kinds = [f"{line.get_kind_display()} +{line.asked}" for line in self.request.lines.all() if line.asked]
        return _("More quota: %(kinds)s") % {"kinds": " · ".join(kinds)}

    @property
    def tenant(self) -> Tenant:
        return self.request.tenant

    @property
    def requester(self) -> User:
        return self.request.requester

    @property
    def created_at(self) -> datetime:
        return self.request.created_at

    @property
    def status(self) -> str:
        return self.request.status

    def get_status_display(self) -> str:
        """Return the status in words; that only a part was granted is one of its own."""
        lines = self.request.lines.all()
        if self.status == QuotaRequest.Status.APPROVED and any((line.granted or 0) < line.asked for line in lines):
            return _("Approved in part")
        return str(self.request.get_status_display())


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of quota: what is used (None: nobody measures it), the limit (None: none), what is asked and granted."""

    kind: str
    used: int | None
    limit: int | None
    asked: int
    change: int
    applied: bool  # whether the limit has the change in it already

    @property
    def label(self) -> str:
        return str(QuotaKind(self.kind).label)

    @property
    def after(self) -> int | None:
        return self.limit if self.limit is None or self.applied else self.limit + self.change


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is built once the request is approved; `nodes` None: it has none, so nothing ties the amounts together."""

    title: str
    link: str
    nodes: int | None
    least: int | None
    facts: list[str]


class Shown(Item):
    """One request with what one who decides should know."""

    def __init__(self, user: User, request: QuotaRequest, granted: Mapping[str, int] | None) -> None:
        super().__init__(request)
        self.user, self.granted = user, granted
        self.facts = requests.context(request, user)
        self.decision: Decision = requests.may_decide(user, request)

    @classmethod
    def of(cls, user: User, request: QuotaRequest, *, granted: Mapping[str, int] | None = None) -> Self:
        """Return the request as the user sees it; `granted`: the amounts as typed, else all that is asked."""
        return cls(user, request, granted)

    @property
    def pending(self) -> bool:
        return self.status == QuotaRequest.Status.PENDING

    @property
    def decidable(self) -> bool:
        return self.pending and bool(self.decision)

    @property
    def why(self) -> str:
        """Why the person cannot decide it."""
        return self.decision.reason

    @property
    def withdrawable(self) -> bool:
        return self.pending and bool(requests.may_withdraw(self.user, self.request))

    @cached_property
    def rows(self) -> list[Row]:
        """The kinds asked for, and those that the tenant uses or that are limited."""
        asked = {line.kind: line for line in self.request.lines.all()}
        return [self._row(line, asked.get(line.kind)) for line in self.facts.lines]

    def _row(self, line: quotas.Line, asked: Any) -> Row:
        wanted = asked.asked if asked else 0
        granted = self.granted.get(line.kind, wanted) if self.granted is not None else wanted
        if not self.pending:
            granted = (asked.granted or 0) if asked else 0
        return Row(
            kind=line.kind, used=line.used, limit=line.limit, asked=wanted, change=granted, applied=not self.pending
        )

    @property
    def trends(self) -> list[Trend]:
        """The last 30 days of the kinds that somebody measures."""
        limits = {line.kind: line.limit for line in self.facts.lines}
        return [
            Trend(label=str(QuotaKind(kind).label), days=days, limit=limits.get(kind))
            for kind, days in self.facts.trend.items()
        ]

    @property
    def capacity(self) -> list[Bar]:
        return [_bar(line) for line in self.facts.capacity]

    @property
    def others(self) -> list[Item]:
        return [Item(other) for other in self.facts.waiting]

    @cached_property
    def wish(self) -> Wish | None:
        """What waits for the approval, if anything does."""
        if self.request.wish is None:
            return None
        size = self.request.size or {}
        facts = [str(text) for text in (size.get("plan"), size.get("version")) if text]
        if nodes := size.get("nodes"):
            facts.insert(0, ngettext("%(count)s node", "%(count)s nodes", nodes) % {"count": nodes})
        return Wish(
            title=self.title, link=f"/tasks/{self.request.wish}", nodes=nodes, least=size.get("least"), facts=facts
        )

    @cached_property
    def fits(self) -> int | None:
        """With how many nodes the wish could be built if that much were granted; None: not at all."""
        return requests.fitting(self.request, {row.kind: row.change for row in self.rows})

    @property
    def expires_at(self) -> datetime | None:
        return self.request.expires_at

    @property
    def decided_at(self) -> datetime | None:
        return self.request.decided_at

    @property
    def comment(self) -> str:
        return self.request.comment

    @property
    def reason(self) -> str:
        return self.request.reason

    @property
    def tone(self) -> str:
        return LOOKS.get(self.status, ("info", ""))[0]

    @property
    def icon(self) -> str:
        return LOOKS.get(self.status, ("", "circle-slash"))[1]

    @property
    def outcome(self) -> str:
        """Who decided what, in words."""
        who = self.request.decided_by.label if self.request.decided_by else _("the portal")
        return _("%(status)s · %(who)s") % {"status": self.get_status_display(), "who": who}


def _bar(line: Capacity) -> Bar:
    total, used, after = (round(number, 1) for number in (line.total, line.used, line.used + line.adds))
    percent = round(100 * after / total) if total else 100
    if not line.adds:
        said = _("%(place)s: %(used)s of %(total)s in use")
        return Bar(
            said=said % {"place": line.said, "used": f"{used:g}", "total": f"{total:g}"},
            total=line.total, used=line.used, adds=0,
        )  # fmt: skip
    said = _("%(place)s: %(used)s of %(total)s in use, %(after)s after approval (%(percent)s %%)") % {
        "place": line.said, "used": f"{used:g}", "total": f"{total:g}", "after": f"{after:g}", "percent": percent,
    }  # fmt: skip
    return Bar(said=said, total=line.total, used=line.used, adds=line.adds)
