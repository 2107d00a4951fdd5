"""Bringing the nodes of a cluster to what is wanted: add; or cordon, evict and delete when empty; or force."""

import json
import time
from collections.abc import Collection, Iterable, Sequence

from clusters.engines.base import Wanted
from clusters.engines.local import guard, nodes, programs, roles
from clusters.engines.local.api import Api
from clusters.engines.local.host import Host
from clusters.engines.local.layout import Layout
from clusters.engines.local.nodes import Inventory, Object
from pks_portal.files import write

PATIENCE = 0.4  # seconds that one call of apply may spend here
LOOK_EVERY = 0.02


def reconcile(host: Host, layout: Layout, api: Api, wanted: Wanted) -> None:
    """Take the next step; a budget that forbids an eviction now is asked again by the next call."""
    deadline = time.monotonic() + PATIENCE
    expected = nodes.names(wanted)
    inventory = Inventory.read(api)
    if inventory.surplus(expected):
        inventory = Inventory.read(api, fresh=True)
    present = {nodes.name(node): node for node in inventory.nodes}
    if not expected or not all(name in present and nodes.alive(present[name]) for name in expected):
        _simulate(host, layout, api, again=any(not nodes.alive(node) for node in inventory.nodes))
    for name, pool in expected.items():
        if name not in present and time.monotonic() < deadline:
            nodes.add(api, wanted, name, pool)
        elif name in present and nodes.marked_leaving(present[name]):
            nodes.uncordon(api, name)
    surplus = inventory.surplus(expected)
    if not surplus:
        _await_ready(api, expected, deadline)
    remember(layout, map(nodes.name, surplus))
    if not _cordon(api, surplus):
        _drain(api, surplus, inventory, wanted.force, deadline)


def _await_ready(api: Api, expected: Collection[str], deadline: float) -> None:
    """Look for a moment whether all nodes are ready: a look is cheap, a turn of the worker is not while all start."""
    while time.monotonic() < deadline:
        ready = {nodes.name(node) for node in Inventory.read_nodes(api) if nodes.ready(node)}
        if ready >= set(expected):
            return
        time.sleep(LOOK_EVERY)


def remember(layout: Layout, surplus: Iterable[str]) -> None:
    """Keep the names of all nodes that this scale-down takes away, so that its share done can be told."""
    now = set(surplus)
    if not now:
        layout.leaving.unlink(missing_ok=True)
    elif not now <= set(leaving(layout)):
        write(layout.leaving, json.dumps(sorted(now)))


def leaving(layout: Layout) -> Sequence[str]:
    """Return the names that `remember` kept."""
    try:
        names: list[str] = json.loads(layout.leaving.read_text())
    except FileNotFoundError:
        return ()
    return names


def _simulate(host: Host, layout: Layout, api: Api, *, again: bool) -> None:
    """Start kwok after its rights: refused once, it would wait seconds before it asks again.

    `again` where nodes do not come alive: whoever may do everything in a cluster may have taken its rights away.
    """
    group = programs.groups_of(layout, 1)[-1]
    running = host.supervisor.states(group)
    if running and not again:
        return
    roles.ensure(api)
    guard.ensure_policy(api)  # long before the first kubeconfig: the API server needs a moment to put it in force
    if not running:
        host.supervisor.add([group])


def _cordon(api: Api, surplus: Sequence[Object]) -> bool:
    """Cordon all that go before the first pod is moved, so that none moves twice; tell whether one was not yet."""
    open_ones = [node for node in surplus if not (nodes.cordoned(node) and nodes.marked_leaving(node))]
    for node in open_ones:
        nodes.cordon(api, nodes.name(node))
    return bool(open_ones)


def _drain(api: Api, surplus: Sequence[Object], inventory: Inventory, force: Collection[str], deadline: float) -> None:
    """Evict what is on these nodes; delete what only the budgets in `force` protect, as a person has said."""
    pods = inventory.by_node()
    budgets = nodes.budgets(api) if force else ()
    for node in surplus:
        staying = [pod for pod in pods[nodes.name(node)] if nodes.drainable(pod)]
        if not staying:
            nodes.delete(api, nodes.name(node))
        for pod in staying:
            if time.monotonic() > deadline:
                return
            if "deletionTimestamp" in pod["metadata"]:
                continue
            if nodes.forced(pod, budgets, force):
                nodes.delete_pod(api, pod)
            else:
                nodes.evict(api, pod)
