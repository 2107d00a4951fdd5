"""What of a project stays and what goes by its retention rules, and why. Decides only; see retaining.py.

Rules add up: what any of them keeps, stays. Nothing goes that no rule speaks of: every tag of an artifact, or the
artifact if it has none, must be covered by some rule. Whatever belongs to what stays, stays with it: the children of an
index, and all that is about an artifact. Immutable tags stay. An index was pulled when one of its images was.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from registry import patterns
from registry.manifests import HANGING
from registry.models import Artifact, ArtifactChild, ImmutableRule, Project, RetentionRule, Tag
from registry.recording import ALONE

Keep = RetentionRule.Keep
About = Mapping[str, Sequence[str]]
"""By an artifact's digest those of what is about it."""


@dataclass(slots=True)
class One:
    """An artifact with what matters here. `pulled_at`: of an index the latest of its images too."""

    id: UUID
    digest: str
    kind: str
    subject: str
    size: int
    pushed_at: datetime
    pulled_at: datetime | None
    tags: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    why: list[dict[str, Any]] = field(default_factory=list)
    goes: bool = False


@dataclass(slots=True)
class Plan:
    """What becomes of each artifact that stands for itself, by repository."""

    rows: list[tuple[str, One]] = field(default_factory=list)

    @property
    def going(self) -> list[tuple[str, One]]:
        return [row for row in self.rows if row[1].goes]

    @property
    def staying(self) -> list[tuple[str, One]]:
        return [row for row in self.rows if not row[1].goes]


def plan(project: Project, now: datetime) -> Plan:
    """Return what would become of everything in a project now."""
    rules = list(project.retention_rules.filter(disabled=False))
    immutable = list(project.immutable_rules.filter(disabled=False))
    whole = Plan()
    for repository in project.repositories.order_by("name"):
        ones = _read(repository.pk)
        for one in decided(
            ones, _of_repository(rules, repository.name), _of_repository(immutable, repository.name), now
        ):
            whole.rows.append((repository.name, one))
    return whole


def _of_repository(rules: Iterable[Any], name: str) -> list[Any]:
    return [rule for rule in rules if patterns.matches(rule.repositories, name)]


def _read(repository: UUID) -> dict[str, One]:
    """Return every artifact of a repository by its digest (three queries)."""
    fields = ("id", "digest", "kind", "subject", "size", "pushed_at", "pulled_at")
    ones = {row["digest"]: One(**row) for row in Artifact.objects.filter(repository=repository).values(*fields)}
    for name, digest in Tag.objects.filter(repository=repository).values_list("name", "artifact__digest"):
        if digest in ones and not HANGING.fullmatch(name):
            ones[digest].tags.append(name)
    rows = ArtifactChild.objects.filter(parent__repository=repository).values_list("parent__digest", "digest")
    for parent, digest in rows:
        if parent in ones and digest in ones:
            ones[parent].children.append(digest)
    return ones


def decided(
    ones: dict[str, One], rules: Sequence[RetentionRule], immutable: Sequence[ImmutableRule], now: datetime
) -> list[One]:
    """Decide what becomes of the artifacts of one repository; return those that stand for themselves."""
    parts = {digest for one in ones.values() for digest in one.children}
    tops = [one for one in ones.values() if _stands_alone(one, parts)]
    pulled = {one.digest: _pulled(ones, one) for one in tops}
    for rule in rules:
        for one in _kept(rule, [one for one in tops if _speaks_of(rule, one)], pulled, now):
            one.why.append({"key": f"retention.{rule.keep}", "args": {"number": rule.number, "rule": rule.pk}})
    for one in tops:
        if not one.why:
            one.why += _spared(one, rules, immutable)
    _protect(ones, tops)
    for one in tops:
        one.goes = not one.why
        one.pulled_at = pulled[one.digest]
        one.why = one.why or [{"key": "retention.goes", "args": {}}]
    return sorted(tops, key=lambda one: (one.pushed_at, one.digest), reverse=True)


def _stands_alone(one: One, parts: set[str]) -> bool:
    return one.kind in ALONE and not one.subject and (bool(one.tags) or one.digest not in parts)


def _pulled(ones: dict[str, One], one: One) -> datetime | None:
    times = [ones[digest].pulled_at for digest in below(ones, one.digest)]
    return max((time for time in times if time is not None), default=None)


def _speaks_of(rule: RetentionRule, one: One) -> bool:
    return any(patterns.matches(rule.tags, tag) for tag in one.tags) if one.tags else rule.untagged


def _kept(rule: RetentionRule, some: list[One], pulled: dict[str, datetime | None], now: datetime) -> Iterable[One]:
    """Return which of the artifacts that a rule speaks of it keeps."""
    since = now - timedelta(days=rule.number)
    if rule.keep == Keep.LATEST_PUSHED:
        return sorted(some, key=lambda one: (one.pushed_at, one.digest), reverse=True)[: rule.number]
    if rule.keep == Keep.LATEST_PULLED:
        ever = [(time, one.digest, one) for one in some if (time := pulled[one.digest]) is not None]
        return [one for _time, _digest, one in sorted(ever, key=lambda row: row[:2], reverse=True)[: rule.number]]
    if rule.keep == Keep.DAYS_PUSHED:
        return [one for one in some if one.pushed_at >= since]
    if rule.keep == Keep.DAYS_PULLED:  # what has just been pushed had no time to be pulled
        return [one for one in some if max(pulled[one.digest] or one.pushed_at, one.pushed_at) >= since]
    return some


def _spared(one: One, rules: Sequence[RetentionRule], immutable: Sequence[ImmutableRule]) -> list[dict[str, Any]]:
    """Return why an artifact stays that no rule keeps."""
    fixed = [tag for tag in one.tags if any(patterns.matches(rule.tags, tag) for rule in immutable)]
    if fixed:
        return [{"key": "retention.immutable", "args": {"tag": fixed[0]}}]
    if not one.tags:
        return [] if any(rule.untagged for rule in rules) else [{"key": "retention.no_rule", "args": {}}]
    free = [tag for tag in one.tags if not any(patterns.matches(rule.tags, tag) for rule in rules)]
    return [{"key": "retention.no_rule_for_tag", "args": {"tag": free[0]}}] if free else []


def _protect(ones: dict[str, One], tops: list[One]) -> None:
    """Let what belongs to what stays stay too, until nothing changes any more."""
    about = _about(ones)
    while True:
        staying = belonging(ones, about, [one.digest for one in tops if one.why])
        more = [one for one in tops if not one.why and _takes(ones, about, one.digest, staying)]
        if not more:
            return
        for one in more:
            one.why.append({"key": "retention.belongs", "args": {}})


def _takes(ones: dict[str, One], about: About, digest: str, staying: set[str]) -> bool:
    """Say whether deleting an artifact would take something that stays.

    It leaves children that have a tag or are in another index too (see removing), and nothing else.
    """
    held = {child for one in staying if one in ones for child in ones[one].children}

    def following(one: str) -> list[str]:
        children = ones[one].children if one in ones else ()
        free = [child for child in children if not ones[child].tags and child not in held]
        return [*free, *about.get(one, ())]

    return bool(staying & _reached([digest], following))


def _about(ones: dict[str, One]) -> About:
    found: dict[str, list[str]] = defaultdict(list)
    for one in ones.values():
        if one.subject:
            found[one.subject].append(one.digest)
    return found


def below(ones: dict[str, One], digest: str) -> set[str]:
    """Return an artifact and all children of it."""
    return _reached([digest], lambda one: ones[one].children)


def belonging(ones: dict[str, One], about: About, digests: Iterable[str]) -> set[str]:
    """Return artifacts with their children, and all that is about any of these."""
    return _reached(digests, lambda one: [*(ones[one].children if one in ones else ()), *about.get(one, ())])


def _reached(begin: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    left = list(begin)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += following(one)
    return found
