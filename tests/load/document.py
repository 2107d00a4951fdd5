"""docs/benchmarks.md from docs/benchmarks/*.json: runs are kept raw, and the page is made of what is kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.load.figures import SLACK, Result, Row

HEAD = """\
# Benchmarks

Written by `make bench`; do not edit. Every figure was measured on one machine in the run that its section names; the
raw runs are beside this page in [benchmarks/](benchmarks/). A ratio is the median of the ratios of pairs that ran in
turns (A B A B …, one round before them not counted); its 95 % interval is a percentile bootstrap (10,000 resamples).
Smaller is better everywhere. A goal is met when the figure meets it and the upper end of its interval, where it has
one, is at most goal × 1.10.

"""


def keep(folder: Path, result: Result, circumstances: Mapping[str, Any]) -> None:
    """Keep a line's rows and raw runs, with when, where and how they came about."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**circumstances, **result.stored()}, ensure_ascii=False, indent=None, separators=(", ", ": "))
    (folder / f"{result.name}.json").write_text(text + "\n", encoding="utf-8")


def render(folder: Path, order: Sequence[str]) -> str:
    """Return the page of all lines that are kept."""
    files = [folder / f"{name}.json" for name in order]
    lines = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    sections = [_section(line) for line in lines]
    return "\n".join([HEAD + _table(lines), *sections])


def _table(lines: Sequence[Mapping[str, Any]]) -> str:
    head = "| line | figure | measured | 95 % interval | ours | peer | goal | |\n|---|---|---|---|---|---|---|---|\n"
    return head + "".join(_row(line["title"], Row(**row)) for line in lines for row in line["rows"])


def _row(line: str, row: Row) -> str:
    between = "" if row.low is None or row.high is None else f"{_figure(row.low)} – {_figure(row.high)}"
    cells = (line, row.title, f"**{_with_unit(row.value, row.unit)}**", between, row.ours, row.peer)
    return f"| {' | '.join(cells)} | ≤ {_with_unit(row.goal, row.unit)} | {'met' if row.met else 'missed'} |\n"


def _section(line: Mapping[str, Any]) -> str:
    machine = line["machine"]
    where = (
        f"{line['at']}, `{line['command']}`, commit {machine['commit']}; load {line['load_before']} before, "
        f"{line['load_after']} after, {machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}"
    )
    versions = ", ".join(f"{name} {machine[name]}" for name in _VERSIONS)
    parts = [f"## {line['title']}", line["method"], *_missed(line["rows"]), *_warnings(line), f"{where}; {versions}."]
    return "\n\n".join(parts) + "\n"


_VERSIONS = ("kubernetes", "etcd", "kwokctl", "haproxy", "redis", "sqlite", "python", "chromium")


def _missed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a paragraph for each goal that is missed: by how much, and what it would take."""
    missed = [row for row in (Row(**one) for one in rows) if not row.met]
    return [f"**Missed: {row.title}** — {_distance(row)}. {row.remedy}".rstrip() for row in missed]


def _distance(row: Row) -> str:
    """Say by how much a goal is missed."""
    if row.value > row.goal:
        return f"{(row.value / row.goal - 1) * 100:.0f} % over the goal" if row.goal else "the goal is none"
    most = f"{(SLACK - 1) * 100:.0f} %"
    return f"the figure meets it, but its interval reaches {_with_unit(row.high or 0, row.unit)}, over goal + {most}"


def _warnings(line: Mapping[str, Any]) -> list[str]:
    found = []
    if line.get("pairs"):
        found.append(f"{line['pairs']} pairs" + ("; a trial: a full run has ten." if line["pairs"] < 10 else "."))
    if line["load_before"] > line["machine"]["cores"] / 2:
        found.append("The machine was busy with other things when this began: absolute figures are worse than its own.")
    return found


def _with_unit(value: float, unit: str) -> str:
    return f"{_figure(value)} {unit}".rstrip()


def _figure(value: float) -> str:
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
