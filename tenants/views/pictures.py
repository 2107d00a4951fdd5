"""Figures as small drawings: how a kind of quota was used day by day, and how full a place is and would be.

A page draws them as SVG in coordinates of 0 to 100 across and 0 to 40 down. Each says in words what it shows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WIDTH, HEIGHT, MARGIN = 100, 40, 3


@dataclass(frozen=True, slots=True)
class Stroke:
    """A run of known days: its line, and the area under it, as SVG paths."""

    line: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The highest use of a kind on each day, the oldest first; None where it is not known, which is left blank.

    `limit` None: unlimited.
    """

    label: str
    days: Sequence[int | None]
    limit: int | None
    _top: float = field(init=False)

    def __post_init__(self) -> None:
        top = max([*(day for day in self.days if day is not None), self.limit or 0, 1])
        object.__setattr__(self, "_top", top)

    @property
    def last(self) -> int | None:
        return self.days[-1] if self.days else None

    @property
    def limit_y(self) -> str | None:
        """How far down the line of the limit is."""
        return None if self.limit is None else self._y(self.limit)

    @property
    def parts(self) -> list[Stroke]:
        """The runs of known days."""
        step = WIDTH / max(1, len(self.days))
        return [self._stroke(begin, values, step) for begin, values in _runs(self.days)]

    @property
    def said(self) -> str:
        """The drawing in words."""
        known = [day for day in self.days if day is not None]
        if not known:
            return _("not known for any of the last %(days)s days") % {"days": len(self.days)}
        least, most = min(known), max(known)
        text = _("between %(least)s and %(most)s a day") % {"least": least, "most": most}
        if len(known) == 1:
            text = _("%(most)s on one day") % {"most": most}
        elif least == most:
            text = _("%(most)s each day") % {"most": most}
        if unknown := len(self.days) - len(known):
            missing = ngettext("%(count)s day not known", "%(count)s days not known", unknown) % {"count": unknown}
            text = _("%(text)s; %(missing)s") % {"text": text, "missing": missing}
        return text

    def _stroke(self, begin: int, values: Sequence[int], step: float) -> Stroke:
        """Draw each day as a level of its width: amounts jump, they do not glide."""
        left = begin * step
        line = f"M{left:.2f} {self._y(values[0])}"
        for place, value in enumerate(values, start=begin):
            line += f"V{self._y(value)}H{(place + 1) * step:.2f}"
        return Stroke(line, f"{line}V{HEIGHT}H{left:.2f}Z")

    def _y(self, value: float) -> str:
        return f"{HEIGHT - (HEIGHT - MARGIN) * value / self._top:.2f}"


def _runs(days: Sequence[int | None]) -> Iterator[tuple[int, list[int]]]:
    """Return each run of known days with the place of its first."""
    run: list[int] = []
    for place, day in enumerate([*days, None]):
        if day is not None:
            run.append(day)
        elif run:
            yield place - len(run), run
            run = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How much of a place is in use, and would be: `said` tells it in words."""

    said: str
    total: float
    used: float
    adds: float

    @property
    def now(self) -> str:
        """How much is used, of 100."""
        return f"{self._share(self.used):.2f}"

    @property
    def more(self) -> str:
        """How much is added, of 100; never beyond the end."""
        return f"{self._share(self.used + self.adds) - self._share(self.used):.2f}"

    @property
    def over(self) -> bool:
        """Whether there is no room for it."""
        return self.used + self.adds > self.total

    def _share(self, amount: float) -> float:
        return min(100.0, 100 * amount / self.total) if self.total else 100.0
