"""Figures and when they count as good: medians, intervals, goals.

The interval is a percentile bootstrap of the median: 10,000 resamples with replacement, a fixed seed, so that the same
raw runs always give the same document.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

RESAMPLES = 10_000
SLACK = 1.10  # the upper end of the interval may be this much over the goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure beside its goal: smaller is better. `low` and `high` are its 95 % interval, if it has one.

    `ours` and `peer` are what a ratio was made of, in words; `remedy` says what a missed goal would take.
    """

    title: str
    value: float
    unit: str
    goal: float
    low: float | None = None
    high: float | None = None
    ours: str = ""
    peer: str = ""
    remedy: str = ""

    @property
    def met(self) -> bool:
        return self.value <= self.goal and (self.high is None or self.high <= self.goal * SLACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a line of the bench brought: rows for the document, every single run, and how it was measured."""

    name: str
    title: str
    method: str
    rows: Sequence[Row]
    runs: Sequence[Any] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def ratio_row(title: str, goal: float, ours: Sequence[float], peer: Sequence[float], *, remedy: str = "") -> Row:
    """Return the median ratio of pairs (the same place in both sequences, seconds) with its interval."""
    ratios = [one / other for one, other in zip(ours, peer, strict=True)]
    low, high = interval(ratios)
    return Row(
        title=title, value=median(ratios), unit="×", goal=goal, low=low, high=high,
        ours=f"{median(ours):.2f} s", peer=f"{median(peer):.2f} s", remedy=remedy,
    )  # fmt: skip


def median_row(title: str, unit: str, goal: float, values: Sequence[float], *, remedy: str = "") -> Row:
    """Return the median of independent runs with its interval."""
    low, high = interval(values)
    return Row(title=title, value=median(values), unit=unit, goal=goal, low=low, high=high, remedy=remedy)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median."""
    chance = random.Random(len(values))  # noqa: S311 - figures, not secrets
    medians = sorted(median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975) - 1]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0 to 1) of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
