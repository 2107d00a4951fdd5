"""Patterns of repositories and tags as Harbor's users write them: `*` within a part, `**` across, `{a,b}` either."""

import re
from functools import lru_cache
from typing import Final

from pks_portal.errors import Invalid
from registry.models import ImmutableRule, Project

LONGEST: Final = 200
ALLOWED: Final = re.compile(r"[A-Za-z0-9._/*?{},-]+")


def check(pattern: str, field: str) -> str:
    """Return a pattern as it is kept. Raises Invalid where it is none."""
    pattern = pattern.strip()
    if len(pattern) > LONGEST or not ALLOWED.fullmatch(pattern) or pattern.count("{") != pattern.count("}"):
        raise Invalid("error.pattern_wrong", field=field, value=pattern[:40])
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Say whether a pattern fits the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?|\{[^{}]*\})", pattern)
    return re.compile("".join(map(_part, parts)))


def _part(part: str) -> str:
    if part.startswith("{") and part.endswith("}"):
        return "(?:" + "|".join(re.escape(one) for one in part[1:-1].split(",")) + ")"
    return {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part)


def immutable(project: Project, repository: str, tag: str) -> bool:
    """Say whether a rule of the project keeps a tag as it is."""
    rules = ImmutableRule.objects.filter(project=project, disabled=False)
    return any(matches(rule.repositories, repository) and matches(rule.tags, tag) for rule in rules)
