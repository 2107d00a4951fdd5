"""What is known about Kubernetes releases: until when they are maintained, and which patch is the newest upstream.

The facts are a dated file, because the portal asks no other host; whatever is said from it is said "as known on" that
date, and after a while the file itself is called old.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation.trans_null import gettext_noop  # the other one needs settings

from pks_portal.messages import Said, add, say

DATA = Path(__file__).parent / "data" / "kubernetes_versions.json"
STALE_AFTER = timedelta(days=120)
"""Kubernetes brings a minor release about every 120 days; older data cannot know the newest one."""

add(
    {
        "version.supported": gettext_noop("Maintained until %(until)s, as known on %(as_of)s."),
        "version.maintenance": gettext_noop("Only critical fixes until %(until)s, as known on %(as_of)s."),
        "version.ended": gettext_noop("Not maintained since %(until)s, as known on %(as_of)s."),
        "version.unknown": gettext_noop("Nothing is known about Kubernetes %(minor)s on %(as_of)s."),
        "version.newest": gettext_noop("%(version)s is the newest patch of %(minor)s known on %(as_of)s."),
        "version.behind": gettext_noop(
            "%(newest)s is the newest patch of %(minor)s known on %(as_of)s; ours is older."
        ),
        "version.stale": gettext_noop("These facts are from %(as_of)s and may be out of date."),
    }
)


class Support(StrEnum):
    """How upstream treats a minor release on a day."""

    SUPPORTED = "supported"
    MAINTENANCE = "maintenance"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """What is known about one version. Dates and the newest patch are None where the data does not know the minor.

    `source`: the address that the dates are from, or "". `patch_behind`: a newer patch of the minor is known.
    `data_stale`: the data is older than STALE_AFTER.
    """

    version: str
    minor: str
    support: Support
    released: date | None
    maintenance: date | None
    end_of_life: date | None
    source: str
    newest_known_patch: str | None
    patch_behind: bool
    data_as_of: date
    data_stale: bool

    @property
    def said(self) -> list[Said]:
        """Return the sentences that a page shows: support, patch currency, and the age of the data where it matters."""
        facts = {"minor": self.minor, "as_of": self.data_as_of.isoformat()}
        until = {"until": self.end_of_life.isoformat()} if self.end_of_life else {}
        sentences = [say(f"version.{self.support}", **facts, **until)]
        if self.patch_behind:
            sentences.append(say("version.behind", newest=self.newest_known_patch, **facts))
        elif self.newest_known_patch:
            sentences.append(say("version.newest", version=self.version, **facts))
        return [*sentences, say("version.stale", **facts)] if self.data_stale else sentences


def info(version: str, today: date) -> VersionInfo:
    """Return what is known on a day about a version such as "1.37.2".

    Raises ValueError for something that is not MAJOR.MINOR.PATCH.
    """
    major, number, _ = _numbers(version)
    minor = f"{major}.{number}"
    data = _data()
    as_of = date.fromisoformat(data["as_of"])
    row: Mapping[str, str] = data["minors"].get(minor, {})
    days = {name: date.fromisoformat(row[name]) for name in ("released", "maintenance", "end_of_life") if name in row}
    newest = row.get("newest_patch")
    return VersionInfo(
        version=version,
        minor=minor,
        support=_support(today, days.get("maintenance"), days.get("end_of_life")),
        released=days.get("released"),
        maintenance=days.get("maintenance"),
        end_of_life=days.get("end_of_life"),
        source=row.get("source", ""),
        newest_known_patch=newest,
        patch_behind=bool(newest) and _numbers(version) < _numbers(newest or version),
        data_as_of=as_of,
        data_stale=today - as_of > STALE_AFTER,
    )


def _numbers(version: str) -> tuple[int, int, int]:
    """Return a version as numbers that compare rightly: 1.35.10 is newer than 1.35.9."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def _support(today: date, maintenance: date | None, end: date | None) -> Support:
    if end is None:
        return Support.UNKNOWN
    if today > end:
        return Support.ENDED
    return Support.MAINTENANCE if maintenance and today >= maintenance else Support.SUPPORTED


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return data
