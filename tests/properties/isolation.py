"""A machine that acts as one tenant's people with the ids of another's things, by pages, REST, stream and sockets."""

import asyncio
import json
from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import uuid4

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import transaction
from django.test import AsyncClient, TestCase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pks_portal import feed
from pks_portal.operations import consumers, live
from tenants.models import User
from tests.permissions import test_api, test_pages, test_sockets
from tests.permissions.checks import body_of
from tests.permissions.people import BACKEND, browser_of
from tests.properties.two_tenants import LeakError, Stage
from tests.sockets import Socket, dial
from tests.tools import client_of

Call = tuple[str, str]
API = set(test_api.TABLE)
CALLS: list[Call] = sorted([*test_pages.TABLE, *test_api.TABLE])
LOOKS = [call for call in CALLS if call[0] == "get"]
DEEDS = [call for call in CALLS if call[0] != "get"]
AT_ONCE = 16
STREAMED = sorted(test_sockets.STREAMED)
LISTS = sorted(path.partition("?")[0] for _, path in LOOKS if "{" not in path)
OF_OURS = sorted({path.partition("?")[0] for _, path in LOOKS if path.count("{") == 1 and "{tenant}" in path})

WHO = st.sampled_from(["viewer", "developer", "operator", "admin", "program"])
PEOPLE = st.sampled_from(["viewer", "developer", "operator", "admin"])
WHOSE = st.sampled_from(["all", "last", "first"])
"""Which of the ids in an address are the other tenant's: all, the child of our parent, the parent of our child."""
NAMES = st.sampled_from([
    "q", "state", "tenant", "version", "cloud", "sort", "page", "id", "kind", "mine", "status", "subject", "name",
    "label", "limit", "cursor", "tenant__slug", "tenant_id", "pk", "subject_id", "actor", "ordering", "format",
    "account", "holder", "action", "since", "request", "webhook", "user", "group_dn", "role",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        "{cluster}", "{task}", "{failed}", "{request}", "{webhook}", "{delivery}", "{notice}", "{token}",
        "{kubeconfig}", "{tenant}", "{holder}", "{member}", "{mapping}", "zqcan", "zq", "%", "_", "env=", "env", "*",
        "", "0", "-1", "1,2", "all", "true", "' OR 1=1 --", "cluster.create", "running", "creating,running", "-name",
        "tenant__slug",
    ]),
    st.text(max_size=12).filter(lambda text: not set("{}") & set(text)),
)  # fmt: skip
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=4)
CHANGES: list[Call] = [
    ("post", "/clusters/{cluster}/labels"), ("patch", "/api/v1/clusters/{cluster}"),
    ("post", "/api/v1/quota-requests"), ("post", "/tasks/{task}/cancel"), ("post", "/tasks/{failed}/retry"),
    ("delete", "/api/v1/clusters/{cluster}"), ("post", "/approvals/{request}/reject"),
]  # fmt: skip
"""What their administrators do while ours listen to the feed."""


class Isolation(RuleBasedStateMachine):
    """Whatever ours do, in whatever order, and whatever theirs do meanwhile: no canary is seen, no row is touched."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self._undone = transaction.atomic()
        self._undone.__enter__()
        self.before = self.stage.held.look()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undone.__exit__(None, None, None)
        cache.clear()

    @initialize(who=WHO, whose=WHOSE)
    def look_everywhere(self, who: str, whose: str) -> None:
        """Ask for everything that there is to see by the ids of theirs."""
        for call in LOOKS:
            self._ours(call, who, whose)
        if who != "program":
            for path in STREAMED:
                self._assert_not_streamed(path, who)
        self._assert_untouched("looking")

    @rule(begin=st.integers(0, len(DEEDS) - 1), who=WHO, whose=WHOSE)
    def act(self, begin: int, who: str, whose: str) -> None:
        """Do a few things, one after the other, to what is theirs."""
        calls = [call for call in (DEEDS * 2)[begin : begin + AT_ONCE] if _parts(call[1]) or _body_parts(call)]
        for call in calls:
            self._ours(call, who, whose)
        self._assert_untouched(f"one of {calls} as {who}, {whose}")

    @rule(call=st.sampled_from(DEEDS), who=st.sampled_from(["admin of theirs", "platform-admin"]))
    def they_act(self, call: Call, who: str) -> None:
        """Let theirs do something by right: there is more to see and to touch."""
        _ask(call, self.stage.theirs, self.stage.people[who])
        self.before = self.stage.held.look()

    @rule(path=st.sampled_from(LISTS), who=WHO, query=QUERIES)
    def query(self, path: str, who: str, query: list[tuple[str, str]]) -> None:
        self._query(path, who, query)

    @rule(path=st.sampled_from(OF_OURS), who=WHO, query=QUERIES)
    def query_of_ours(self, path: str, who: str, query: list[tuple[str, str]]) -> None:
        self._query(path.format(**self.stage.mine), who, query)

    @rule(who=PEOPLE, call=st.sampled_from(CHANGES))
    def listen(self, who: str, call: Call) -> None:
        """Listen to what changes while theirs change something."""
        stage, known = self.stage, self._ids()

        def change() -> None:
            with TestCase.captureOnCommitCallbacks(execute=True):
                _ask(call, stage.theirs, stage.people["platform-admin"])
            live.changed("cluster", stage.theirs["cluster"], stage.theirs["row"].pk)

        heard = async_to_sync(_feed)(stage.people[who], change, stage.mine["row"].pk)
        self.before = stage.held.look()
        if found := heard & (known | self._ids()):
            raise LeakError(f"the feed tells {who} of {found} after {call}")

    @rule(who=PEOPLE, path=st.sampled_from(sorted({*test_sockets.ROWS} - {"/ws/feed"})))
    def follow(self, who: str, path: str) -> None:
        """Follow a task of theirs."""
        if said := async_to_sync(_said)(path.format(**self.stage.theirs), self.stage.people[who]):
            raise LeakError(f"{path} says {said} to {who}")

    @rule(who=PEOPLE, path=st.sampled_from(STREAMED))
    def stream(self, who: str, path: str) -> None:
        """Follow a task of theirs without a socket."""
        self._assert_not_streamed(path, who)

    def _assert_not_streamed(self, path: str, who: str) -> None:
        status = async_to_sync(_streamed)(path.format(**self.stage.theirs), self.stage.people[who])
        if status != 404:
            raise LeakError(f"{path} answers {who} with {status}")

    def _ours(self, call: Call, who: str, whose: str) -> None:
        """Ask as somebody of ours, with ids of theirs."""
        path, rest = _parts(call[1]), _body_parts(call)
        foreign = {"all": [*path, *rest], "last": [*path[-1:], *rest], "first": path[:1]}[whose]
        world = {**self.stage.mine, **{name: self.stage.theirs[name] for name in foreign}}
        named = {str(self.stage.theirs[name]) for name in foreign}
        self._assert_unseen(_ask(call, world, self.stage.people[who]), f"{call} as {who}, {whose}", named)

    def _query(self, path: str, who: str, query: list[tuple[str, str]]) -> None:
        asked = "&".join(f"{name}={quote(value.format(**self.stage.theirs), safe='')}" for name, value in query)
        make = client_of if path.startswith("/api/") else browser_of
        with transaction.atomic():
            answer = make(self.stage.people[who]).get(f"{path}?{asked}")
        if answer.status_code >= 500:
            raise AssertionError(f"{path}?{asked} answers {answer.status_code}")
        named = {word for word in self.stage.telling if word in asked or word in path}
        self._assert_unseen(answer, f"{path}?{asked} as {who}", named)

    def _assert_unseen(self, answer: Any, what: str, named: set[str]) -> None:
        """No canary may be in an answer, and no id but those that were asked for by name."""
        text = f"{answer.headers!r} {body_of(answer).decode(errors='replace')}"
        for asked in sorted(named, key=len, reverse=True):  # what one has typed oneself comes back in one's address
            text = text.replace(asked, "").replace(quote(asked, safe=""), "")
        for word in self.stage.telling - named:
            if word in text:
                at = text.index(word)
                raise LeakError(f"{what} shows …{text[max(0, at - 200) : at + 60]}…")

    def _assert_untouched(self, what: str) -> None:
        if (now := self.stage.held.look()) != self.before:
            changed = [table for table in now if now[table] != self.before[table]]
            raise LeakError(f"{what} changes {changed}")

    def _ids(self) -> set[str]:
        """Return the ids of all that is theirs and told of in the feed."""
        return self.stage.ids_of_theirs()


def _body_parts(call: Call) -> list[str]:
    body = (test_api.TABLE[call] if call in API else test_pages.TABLE[call])[0] or {}
    return [name for value in body.values() if isinstance(value, str) for name in _parts(value)]


def _parts(text: str) -> list[str]:
    """Return the names of a path's or body's placeholders, in order."""
    return [name for _, name, _, _ in Formatter().parse(text) if name and name.isidentifier()]


def _ask(call: Call, world: dict[str, Any], user: User) -> Any:
    """Send a call as the tables of rights send it; what breaks half-way leaves nothing."""
    with transaction.atomic():
        return test_api.ask(world, call, user) if call in API else test_pages.ask(world, call, user)


async def _feed(user: User, change: Callable[[], None], tenant: int) -> set[str]:
    """Return the ids that the feed tells of until one of ours that comes last."""
    heard: set[str] = set()
    last = str(uuid4())
    async with _HungUp():
        socket, let_in = await dial("/ws/feed", user)
        assert let_in
        await socket.receive_from()
        await sync_to_async(change)()
        await sync_to_async(live.changed)("cluster", last, tenant)
        while (said := json.loads(await socket.receive_from()).get("id")) != last:
            heard.add(str(said))
    return heard


async def _said(path: str, user: User) -> Sequence[str]:
    """Return what a socket says before it is closed, or first."""
    async with _HungUp():
        socket, let_in = await dial(path, user)
        message = await socket.receive_output(5) if let_in else {}
    return [message["text"]] if message.get("type") == "websocket.send" else []


async def _streamed(path: str, user: User) -> int:
    client = AsyncClient()
    await client.aforce_login(user, backend=BACKEND)
    answer: Any = await client.get(path)
    if answer.streaming:
        await asyncio.wait_for(anext(aiter(answer)), 5)
    return int(answer.status_code)


class _HungUp:
    """Ends the sockets of a with block, and what they left to do, with its event loop."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        while Socket.opened:
            socket = Socket.opened.pop()
            socket.stop(exceptions=False)
            await asyncio.gather(socket.future, return_exceptions=True)
        for looks in (consumers.RIGHTS, feed.SIGHTS):
            if looks._renewal is not None:
                await asyncio.gather(looks._renewal, return_exceptions=True)
                looks._renewal = None
        layer: Any = get_channel_layer()
        await layer.flush()  # hypothesis holds chance still: the next channels have the same names
