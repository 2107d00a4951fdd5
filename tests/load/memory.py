"""What the default set takes in memory when nobody uses it and no cluster is there."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from clusters.engines.local import processes
from tests.load.figures import Result, Row
from tests.load.progress import tell
from tests.real.running import Portal

IDLE_SECONDS = 30.0
GOAL = 700
METHOD = f"""\
All processes of a freshly started set (supervisors, directory, Redis, web, worker, beat, keeper) after
{IDLE_SECONDS:.0f} s without a request, without clusters. The goal is about the sum of resident memory (RSS), which
counts shared pages once for each process and is thus the upper bound; the proportional sum (PSS) is beside it.
MB is 10⁶ bytes."""
REMEDY = (
    "Look at the largest process in the raw figures first; beat could run inside the worker (about one Python less)."
)


def measure(portal: Portal, idle: float = IDLE_SECONDS) -> Result:
    """Wait until the set has been idle, then look once: resident memory of an idle set hardly moves."""
    time.sleep(idle)
    found = [_of(pid) for pid in sorted(_processes(portal))]
    rss, pss = (sum(one[kind] for one in found) / 1e6 for kind in ("Rss", "Pss"))
    tell(f"{len(found)} processes  RSS {rss:.0f} MB  PSS {pss:.0f} MB")
    largest = max(found, key=lambda one: one["Rss"])
    ours = f"PSS {pss:.0f} MB; {len(found)} processes, the largest {largest['name']} with {largest['Rss'] / 1e6:.0f} MB"
    row = Row(title="resident memory", value=round(rss), unit="MB", goal=GOAL, ours=ours, remedy=REMEDY)
    return Result(name="memory", title="Idle memory of the default set", method=METHOD, rows=[row], runs=found)


def _processes(portal: Portal) -> set[int]:
    """Return the recorded programs, all their descendants, and what the clusters' supervisor runs apart."""
    recorded = {int(file.read_text().split()[0]) for file in (portal.data / "run" / "pids").iterdir()}
    found = recorded | set(processes.marked(str(portal.data)))
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").glob("[0-9]*")}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid for pid in found if Path(f"/proc/{pid}").exists()}


def _parent(entry: Path) -> int:
    with suppress(OSError):
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _of(pid: int) -> dict[str, Any]:
    """Return {"pid", "name", "Rss", "Pss"} in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    name = next((word for word in words if word in _NAMES), Path(words[0]).name)
    return {"pid": pid, "name": name, "Rss": sizes["Rss"], "Pss": sizes["Pss"]}


_NAMES = ("uvicorn", "worker", "beat", "supervisor.supervisord", "clusters.engines.local.keeper")
