"""`python -m tests.load.bench [NAME…]`: measure against the peers on this machine and write docs/benchmarks.md.

Without names every line is run; a line that is not run keeps what it had. Missed goals are said, not failures.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusters.engines.local import binaries
from pks_portal.paths import CHECKOUT, cache
from tests.load import directories, document, images, live, machine, memory, pages, reconnect, rights
from tests.load.figures import Result
from tests.load.portal import running
from tests.load.progress import tell
from tests.load.races import RACES, Field
from tests.real.running import Portal

PAIRS = 10
LINES = (*RACES, "live", "pages", "reconnect", "memory", "directory", "rights", "images")


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that are measured on one portal, started for them with this environment; `pairs` is 0 where none are."""

    names: Sequence[str]
    measure: Callable[[Portal], list[Result]]
    environment: dict[str, str] = field(default_factory=dict)
    pairs: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen lines one after the other and write the page after each part."""
    options = _parser().parse_args(arguments)
    version = binaries.default()
    binaries.build(version, None, lambda state: None)  # returns at once where they are ready
    facts = machine.facts(version, cache() / "bin")
    with tempfile.TemporaryDirectory(prefix="pks-bench-") as scratch:
        for part in _parts(options, Path(scratch), version):
            tell(f"== {' '.join(part.names)}")
            _run(part, Path(scratch) / "data", options.out, facts)
    return 0


def _run(part: Part, data: Path, out: Path, facts: dict[str, Any]) -> None:
    circumstances = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["python", "-m", "tests.load.bench", *sys.argv[1:]]),
        "machine": facts,
        "pairs": part.pairs,
        "load_before": machine.load(),
    }
    with running(data, **part.environment) as portal:
        results = part.measure(portal)
    for result in results:
        document.keep(out / "benchmarks", result, circumstances | {"load_after": machine.load()})
    page = document.render(out / "benchmarks", LINES)
    (out / "benchmarks.md").write_text(page, encoding="utf-8")


def _parts(options: argparse.Namespace, scratch: Path, version: str) -> Iterator[Part]:
    """Yield what is to be run; the idle set comes first, while the machine is cool."""
    names = options.names or LINES
    if "memory" in names:
        yield Part(["memory"], lambda portal: [memory.measure(portal)])

    def raced(races: Sequence[str]) -> Callable[[Portal], list[Result]]:
        def measure(portal: Portal) -> list[Result]:
            with closing(Field(portal, scratch, version)) as field:
                return field.run(races, options.pairs)

        return measure

    if cold := [name for name in RACES if name in names and name != "pool"]:
        yield Part(cold, raced(cold), pairs=options.pairs)
    if "pool" in names:
        pool = {"PKS_WARM_POOL": "1", "PKS_KUBERNETES_VERSIONS": version}
        yield Part(["pool"], raced(["pool"]), pool, options.pairs)
    for name, measure in _watched(options.seconds).items():
        if name in names:
            yield Part([name], measure)


def _watched(seconds: float) -> dict[str, Callable[[Portal], list[Result]]]:
    return {
        "live": lambda portal: [live.measure(portal, seconds)],
        "reconnect": lambda portal: [reconnect.measure(portal)],
        "pages": lambda portal: [pages.measure(portal)],
        "directory": lambda portal: [directories.measure(portal)],
        "rights": lambda portal: [rights.measure(portal)],
        "images": lambda portal: [images.measure(portal)],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load.bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        choices=[[], *LINES],
        help=f"lines to run: {', '.join(LINES)} (default: all)",
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of each race (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=live.SECONDS, help="of events (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs", help="where the page goes (default: docs)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
