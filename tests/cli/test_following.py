import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pks_portal.cli import following
from pks_portal.cli.profile import Profile
from pks_portal.cli.rest import Portal, hang_up
from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, Seen, event, problem, serving, task

EVENTS = "/api/v1/tasks/t1/events"


@pytest.fixture
def running(signed_in: FakePortal) -> FakePortal:
    """A task with five events that ends when they have been read."""
    signed_in.events = [event(seq, f"Event {seq}.") for seq in range(1, 6)]
    answer = signed_in.answer

    def answering(request: Seen) -> object:
        if request.path == EVENTS and int(request.query["after"]) >= 4:
            signed_in.task = task("succeeded")
        return answer(request)

    signed_in.answer = answering  # type: ignore[method-assign]
    return signed_in


def test_watch_prints_every_event_once_in_order(pks: Pks, running: FakePortal) -> None:
    ran = pks("task", "t1", "--watch")
    assert ran.code == 0
    told = [line for line in ran.out.splitlines() if "Event" in line]
    assert [line.split("  ")[1:] for line in told] == [["Start etcd", f"Event {seq}."] for seq in range(1, 6)]
    assert int(running.requests("GET", EVENTS)[0].query["wait"]) == following.WAIT_SECONDS


def test_watch_as_json_is_a_stream(pks: Pks, running: FakePortal) -> None:
    *events, last = map(json.loads, pks("task", "t1", "--watch", "--json").out.splitlines())
    assert [each["seq"] for each in events] == [1, 2, 3, 4, 5]
    assert last["status"] == "succeeded"


def test_the_event_that_came_just_after_the_last_page_is_not_lost(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.task, signed_in.events = task("succeeded"), [event(1, "The very last.")]
    signed_in.once("GET", EVENTS, (200, {"items": [], "status": "succeeded"}))
    assert "The very last." in pks("task", "t1", "--watch").out


def test_watch_survives_a_portal_that_is_away(pks: Pks, running: FakePortal) -> None:
    running.once("GET", EVENTS, None, (502, "bad gateway"), problem(503, "unavailable", "Later."), None, None, None)
    ran = pks("task", "t1", "--watch")
    assert ran.code == 0
    assert ran.out.count("Event ") == 5
    assert "The portal does not answer; waiting for it." in ran.err


def test_a_portal_that_starts_again_is_found(home: Path) -> None:
    """The connection is refused until the same address answers again."""
    with serving(FakePortal()) as fake:
        port = int(fake.url.rsplit(":", 1)[1])
    client = Portal(Profile(fake.url, access_token="access-1"))
    with ExitStack() as stack:

        def note(_text: str) -> None:
            stack.enter_context(serving(fake, port))

        me = following.patiently(lambda: client.get("/api/v1/me"), note)
        hang_up()
    assert me["username"] == "li.na"


def test_patience_has_an_end(pks: Pks, running: FakePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.03)
    running.once("GET", EVENTS, *[(502, "")] * 50)
    assert pks("task", "t1", "--watch").code == 3


def test_a_refusal_is_not_waited_out(pks: Pks, running: FakePortal) -> None:
    running.once("GET", EVENTS, problem(403, "forbidden", "You may not."))
    ran = pks("task", "t1", "--wait")
    assert (ran.code, ran.err) == (1, "Error: You may not.\n")


@pytest.mark.parametrize(("status", "code"), [("cancelled", 0), ("succeeded", 1)])
def test_a_cancel_that_is_waited_for_says_how_it_ended(signed_in: FakePortal, pks: Pks, status: str, code: int) -> None:
    signed_in.task = task(status)
    signed_in.script[("POST", "/api/v1/tasks/t1/cancel")] = [(202, task("cancelling"))]
    ran = pks("cancel-task", "t1", "--wait")
    assert (ran.code, ran.out) == (code, f"Create cluster pay-dev: {status.title()}\n")
    assert ("before it could be cancelled" in ran.err) is (code == 1)


@pytest.mark.parametrize(("answer", "code", "forced"), [("y\n", 0, True), ("n\n", 1, False), ("", 2, False)])
def test_force_names_the_pods_and_asks(signed_in: FakePortal, pks: Pks, answer: str, code: int, forced: bool) -> None:
    signed_in.task = task(blocked=True, waiting_for="These pods may not be evicted now: default/web-1.")
    signed_in.script[("POST", "/api/v1/tasks/t1/force")] = [(202, task())]
    ran = pks("force-task", "t1", stdin=answer)
    assert ran.code == code
    assert "default/web-1. Delete these pods" in ran.err
    assert (not signed_in.script[("POST", "/api/v1/tasks/t1/force")]) is forced


def test_what_is_not_blocked_is_refused_unasked(signed_in: FakePortal, pks: Pks) -> None:
    refusal = problem(409, "not-blocked", "Nothing stands in this task's way that could be forced.")
    signed_in.script[("POST", "/api/v1/tasks/t1/force")] = [refusal]
    ran = pks("force-task", "t1")
    assert (ran.code, ran.err) == (1, "Error: Nothing stands in this task's way that could be forced.\n")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_unhappy_end_exits_1(pks: Pks, signed_in: FakePortal, status: str) -> None:
    signed_in.task = task(status)
    ran = pks("task", "t1", "--wait", "--json")
    assert ran.code == 1
    assert ran.json["status"] == status
    assert json.loads(ran.err)["type"] == f"urn:pks-cli:task-{status}"


def test_task_shows_its_steps(pks: Pks, signed_in: FakePortal) -> None:
    out = pks("task", "t1").out
    assert "Time left:  about 4.0 s" in out
    assert "Start etcd  done   1.5 s  2/8" in out


def test_breaking_off_says_that_the_task_goes_on(
    pks: Pks, running: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object) -> Iterator[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(following, "pages", broken_off)
    ran = pks("task", "t1", "--watch")
    assert (ran.code, ran.err) == (130, "The task goes on. Follow it with: pks task t1 --watch\n")


def test_the_live_screen(pks: Pks, running: FakePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; what rich makes of it is read from the same stream."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = pks("task", "t1", "--watch")
    assert ran.code == 0
    assert ran.out.count("Event ") == 5
    assert "Create cluster pay-dev" in ran.out
