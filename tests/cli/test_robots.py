from typing import Any

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal

PATH = "/api/v1/registry/projects/payments/robots"
AT = "2026-11-22T09:00:00Z"
ROBOT: dict[str, Any] = {
    "name": "ci", "login": "robot-payments.ci", "project": "payments", "about": "", "rights": ["pull", "push"],
    "disabled": False, "live": True, "made_by": "sun.li", "created_at": AT, "rotated_at": None, "expires_at": AT,
    "last_used_at": None,
}  # fmt: skip
SHOWN = {**ROBOT, "secret": "a-secret"}


def test_robots_are_listed_with_their_state(pks: Pks, signed_in: FakePortal) -> None:
    rows = [ROBOT, {**ROBOT, "disabled": True}, {**ROBOT, "live": False}]
    signed_in.once("GET", PATH, (200, {"items": rows, "next": None}))
    out = pks("robots", "payments").out
    assert [line.split()[:6] for line in out.splitlines()[1:]] == [
        ["ci", "robot-payments.ci", "pull,", "push", state, "never"] for state in ("live", "stopped", "expired")
    ]


def test_a_secret_is_shown_once(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("POST", PATH, (201, SHOWN), (201, SHOWN))
    ran = pks("create-robot", "payments", "ci", "--rights", "pull, push", "--days", "7")
    assert "Secret:       a-secret" in ran.out
    assert ran.err == "The secret is shown this once: keep it now.\n"
    assert signed_in.requests("POST", PATH)[0].body == {
        "name": "ci", "rights": ["pull", "push"], "days": 7, "about": "",
    }  # fmt: skip
    assert pks("create-robot", "payments", "ci", "--json").json == SHOWN
    signed_in.once("POST", f"{PATH}/ci/rotate", (200, SHOWN))
    assert pks("rotate-robot", "payments", "ci", stdin="n\n").code == 1
    assert not signed_in.requests("POST", f"{PATH}/ci/rotate")
    assert "a-secret" in pks("rotate-robot", "payments", "ci", "--non-interactive").out


def test_a_robot_is_stopped_goes_on_and_goes(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("PATCH", f"{PATH}/ci", (200, {**ROBOT, "disabled": True}), (200, ROBOT))
    assert pks("stop-robot", "payments", "ci").out == "Robot robot-payments.ci is stopped.\n"
    assert pks("resume-robot", "payments", "ci", "--json").json == ROBOT
    sent = [request.body for request in signed_in.requests("PATCH", f"{PATH}/ci")]
    assert sent == [{"disabled": True}, {"disabled": False}]
    signed_in.once("DELETE", f"{PATH}/ci", (204, ""))
    assert pks("delete-robot", "payments", "ci").code == 2
    assert pks("delete-robot", "payments", "ci", stdin="y\n").code == 0


def test_a_robot_s_rights_are_changed(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("PATCH", f"{PATH}/ci", (200, {**ROBOT, "rights": ["pull"]}))
    assert pks("update-robot", "payments", "ci", "--rights", "pull").out == "Robot robot-payments.ci may: pull\n"
    assert signed_in.requests("PATCH", f"{PATH}/ci")[0].body == {"rights": ["pull"]}


def test_one_robot(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{PATH}/ci", (200, ROBOT), (200, ROBOT))
    out = pks("robot", "payments", "ci").out
    assert "Made by:      sun.li" in out
    assert "Last used:    never" in out
    assert pks("robot", "payments", "ci", "--json").json == ROBOT
