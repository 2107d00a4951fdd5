"""Reading back how a cluster is: one question to its front door, four to its API, all over kept connections."""

from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clusters.engines.base import Condition, Observed, Obstacle, Wanted
from clusters.engines.local import binaries, capacity, door, nodes, scaling
from clusters.engines.local.api import Api
from clusters.engines.local.door import Probe
from clusters.engines.local.host import Host
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import network_of
from clusters.engines.local.nodes import Inventory
from pks_portal.errors import Unavailable
from pks_portal.messages import Said, say

# The name of each condition, stable for programs, by the part that is looked at.
PARTS = {
    "etcd": "etcd",
    "kube-apiserver": "apiserver",
    "kube-controller-manager": "controller-manager",
    "kube-scheduler": "scheduler",
    "kwok": "simulation",
}
DISK_MIB = 64
MOST_NAMED = 20
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


@dataclass(slots=True)
class _Answers:
    """What the cluster's API said, as far as it said anything."""

    version: str = ""
    account: bool = False
    inventory: Inventory = field(default_factory=lambda: Inventory((), ()))
    held_back: Sequence[tuple[str, str]] = ()


def observe(host: Host, wanted: Wanted) -> Observed:
    """Read everything back; what does not answer is a condition that is not so, never an error."""
    layout = host.layout(wanted.id)
    waiting, share = _programs(host, layout, wanted)
    facts = layout.facts()
    if facts is None or not layout.pki.is_dir():
        steps = {"binaries": share, "host": float(facts is not None)}
        return Observed(exists=layout.exists, waiting=waiting, steps=_steps(wanted, steps, layout, _Answers()))
    net = network_of(facts)
    probes = door.probes(layout)
    answers = _ask(Api(layout, net), wanted) if door.answering(probes or ()) else _Answers()
    conditions = _conditions(probes, layout, net.endpoint, _started(host, layout))
    healthy = all(condition.ok for condition in conditions)
    settled = healthy and answers.account and answers.version == wanted.version and _reached(wanted, answers.inventory)
    parts = [condition.ok for condition in conditions]
    steps = {"binaries": share, "host": 1.0, "certificates": 1.0, "control-plane": sum(parts) / len(parts)}
    return Observed(
        exists=True,
        settled=settled,
        steps=_steps(wanted, {**steps, "ready": float(settled)}, layout, answers),
        waiting=waiting,
        blocked=_blocked(answers, wanted.force),
        nodes=answers.inventory.seen(),
        conditions=conditions,
        endpoint=net.endpoint,
        authority=(layout.secrets / "ca.crt").read_text(),
        version=answers.version,
        healthy=healthy,
    )


def _programs(host: Host, layout: Layout, wanted: Wanted) -> tuple[Said | None, float]:
    """Return what is waited for, if the programs are not there, and how far they are."""
    if (layout.bin / "kwok").exists():
        return None, 1.0
    state = binaries.state(wanted.version, host.cache)
    return (None if state.phase == "ready" else state.said), state.share


def _ask(api: Api, wanted: Wanted) -> _Answers:
    answers = _Answers()
    with suppress(Unavailable):
        answers.version = str(api.get("/version")["gitVersion"]).removeprefix("v")
        answers.inventory = Inventory.read(api)
        answers.account = api.find(DEFAULT_ACCOUNT) is not None
        pods = answers.inventory.by_node()
        going = [pod for node in answers.inventory.surplus(nodes.names(wanted)) for pod in pods[nodes.name(node)]]
        staying = [pod for pod in going if nodes.drainable(pod) and "deletionTimestamp" not in pod["metadata"]]
        answers.held_back = nodes.held_back(api, staying)
    return answers


def _started(host: Host, layout: Layout) -> Mapping[str, datetime]:
    """Return since when each part runs: a restart that was over before the next look is told by this alone."""
    with suppress(Unavailable):
        return host.supervisor.started(f"{layout.id}-")
    return {}


def _conditions(
    probes: Sequence[Probe] | None, layout: Layout, endpoint: str, started: Mapping[str, datetime]
) -> list[Condition]:
    found = [_part(component, name, probes or (), started) for component, name in PARTS.items()]
    opened = say("engine.door_open" if probes is not None else "engine.door_closed", endpoint=endpoint)
    free = int(capacity.disk_free(layout.home))
    enough = free >= DISK_MIB
    low = say("engine.disk_low", free_mib=free)
    return [
        *found,
        Condition(name="front-door", ok=probes is not None, said=opened, since=started.get("haproxy")),
        Condition(name="disk", ok=enough, said=say("engine.disk_room") if enough else low),
    ]


def _part(component: str, name: str, probes: Sequence[Probe], started: Mapping[str, datetime]) -> Condition:
    mine = [probe for probe in probes if probe.component == component]
    ailing = [probe for probe in mine if not probe.ok]
    if mine and not ailing:
        since = max((at for part, at in started.items() if part.rstrip("-0123456789") == component), default=None)
        return Condition(name=name, ok=True, said=say("engine.part_up", component=component), since=since)
    words = "; ".join(f"m{probe.member}: {probe.words}" for probe in ailing)
    key = "engine.part_down" if mine else "engine.part_unseen"
    return Condition(name=name, ok=False, said=say(key, component=component, cause=words))


def _reached(wanted: Wanted, inventory: Inventory) -> bool:
    ready = {nodes.name(node) for node in inventory.nodes if nodes.ready(node) and not nodes.marked_leaving(node)}
    return ready == set(nodes.names(wanted)) and len(ready) == len(inventory.nodes)


def _blocked(answers: _Answers, force: Collection[str]) -> Obstacle | None:
    """Return the budgets that hold pods back and that nobody has forced, with the pods."""
    held_back = [pair for pair in answers.held_back if pair[1] not in force]
    if not held_back:
        return None
    pods, budgets = ({pair[place] for pair in held_back} for place in (0, 1))
    said = say("engine.held_back", pods=_listed(pods), budgets=_listed(budgets))
    return Obstacle(said=said, names=sorted(budgets))


def _listed(names: Set[str]) -> str:
    """Return names in a row; of very many the first ones and how many more there are."""
    rest = len(names) - MOST_NAMED
    return ", ".join(sorted(names)[:MOST_NAMED]) + (f" (+{rest})" if rest > 0 else "")


def _steps(wanted: Wanted, made: Mapping[str, float], layout: Layout, answers: _Answers) -> dict[str, float]:
    """Return the share of every step that the engine plans, of all changes."""
    expected = nodes.names(wanted)
    ready = sum(nodes.name(node) in expected and nodes.ready(node) for node in answers.inventory.nodes)
    share = ready / len(expected) if expected else 1.0
    blank = dict.fromkeys(("binaries", "host", "certificates", "control-plane", "ready"), 0.0)
    going = {*scaling.leaving(layout), *map(nodes.name, answers.inventory.surplus(expected))}
    return {**blank, **made, "nodes": share, "add": share, **_leaving(going, answers)}


def _leaving(names: Set[str], answers: _Answers) -> dict[str, float]:
    """Return the shares of taking these nodes away; nothing is called done while the API does not answer."""
    present: Mapping[str, Any] = {nodes.name(node): node for node in answers.inventory.nodes}
    if not names or not answers.version:
        return dict.fromkeys(("cordon", "drain", "remove"), float(bool(answers.version)))
    pods = answers.inventory.by_node()
    gone = {name for name in names if name not in present}
    cordoned = gone | {name for name in names if name in present and nodes.cordoned(present[name])}
    empty = {name for name in cordoned if not any(map(nodes.drainable, pods[name]))}
    counts = {"cordon": cordoned, "drain": gone | empty, "remove": gone}
    return {step: len(done) / len(names) for step, done in counts.items()}
