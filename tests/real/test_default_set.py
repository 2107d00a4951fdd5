"""The default set as a person uses it: real slapd, Redis, web, worker, beat, supervisor, in its own directory."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest

from pks_portal.default_set import directory, mapping
from pks_portal.default_set.entries import person_dn
from pks_portal.default_set.people import PASSWORD, PEOPLE, SHOWN
from pks_portal.default_set.place import Place
from pks_portal.default_set.ports import is_free
from pks_portal.default_set.programs import PORTAL, SERVICES
from pks_portal.paths import CHECKOUT, cache

pytestmark = pytest.mark.real
FOREIGN = ("PKS_", "DJANGO_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found


class Set:
    """A default set in a directory whose path is too long for a unix socket, as deep checkouts are."""

    def __init__(self, root: Path) -> None:
        self.data = root / ("a-rather-long-name-of-a-directory-" * 3)
        self.port = free_port()
        self.place = Place(self.data, cache(), "127.0.0.1", self.port)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own = {"PKS_DATA_DIR": str(self.data), "PKS_PORT": str(self.port), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "pks_portal.default_set", *arguments]
        return subprocess.run(
            command,
            env=kept | own | environment,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def start(self, **environment: str) -> str:
        done = self.run("start", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.run("status", "--json").stdout))

    def pids(self) -> dict[str, int]:
        return {program["name"]: program["pid"] for program in self.status()["programs"]}

    def supervisor(self) -> int:
        return int((self.data / "run" / "pids" / "supervisor").read_text().split()[0])

    def processes(self) -> list[str]:
        """Return the command lines of all processes that have this set's directory in theirs."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.data) in line or f"--port {self.port}" in line:
                found.append(line)
        return found

    def known(self) -> dict[str, str]:
        files = (file for file in (self.data / "keys").iterdir() if file.is_file())
        return {file.name: file.read_text().strip() for file in files}

    def ports(self) -> dict[str, int]:
        return dict(json.loads((self.data / "run" / "ports.json").read_text()))

    def bind(self, name: str, password: str) -> Any:
        return directory.connect(self.place, self.ports()["ldaps"], name, password)

    def search(self, base: str, condition: str, *attributes: str) -> list[tuple[str, dict[str, list[bytes]]]]:
        link = self.bind(mapping.BIND_DN, self.known()["directory-password"])
        return list(link.search_s(base, ldap.SCOPE_SUBTREE, condition, [*attributes]))


@pytest.fixture(scope="module")
def one_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    made = Set(tmp_path_factory.mktemp("default-set"))
    yield made
    ended = made.run("clean", "--with-clusters")
    assert ended.returncode == 0, ended.stderr
    until(lambda: not made.processes())
    assert [entry.name for entry in made.data.iterdir()] == []


@pytest.fixture
def running(one_set: Set) -> Set:
    one_set.start()
    return one_set


def test_a_started_set_works_and_says_how_to_sign_in(running: Set) -> None:
    said = running.start()
    assert f"http://localhost:{running.port}" in said
    assert PASSWORD in said
    assert all(uid in said for uid, _, _ in SHOWN)
    seen = running.status()
    assert seen["healthy"]
    assert {program["name"]: program["state"] for program in seen["programs"]} == dict.fromkeys(
        (*PORTAL, *SERVICES, "supervisor"), "running"
    )
    assert all(program["memory_bytes"] > 1_000_000 for program in seen["programs"])
    assert os.getsid(running.supervisor()) == running.supervisor(), "it would end with the terminal"


def test_secrets_are_for_the_owner_only_and_on_no_command_line(running: Set) -> None:
    files = [file for file in (running.data / "keys").rglob("*") if file.is_file()]
    files += [running.data / name for name in ("run/portal.env", "redis/redis.conf", "issuer/server.pem")]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {(running.data / name).stat().st_mode & 0o777 for name in ("keys", "db", "directory", "run")} == {0o700}
    lines = " ".join(running.processes())
    assert not [name for name, secret in running.known().items() if secret in lines]


def test_a_second_start_changes_nothing(running: Set) -> None:
    before = running.pids()
    assert "already running" in running.start()
    assert running.pids() == before


def test_a_changed_setting_restarts_what_reads_it(running: Set) -> None:
    before = running.pids()
    running.start(PKS_LOG_LEVEL="WARNING")
    after = running.pids()
    assert {name for name in after if after[name] != before[name]} == set(PORTAL)
    assert "PKS_LOG_LEVEL=WARNING" in (running.data / "run" / "portal.env").read_text()


@pytest.mark.parametrize("name", [*PORTAL, *SERVICES])
def test_a_killed_program_comes_back(running: Set, name: str) -> None:
    before = running.pids()[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: running.pids()[name] not in {0, before} and running.status()["healthy"], 40)


def test_after_a_killed_supervisor_nothing_runs_twice(running: Set) -> None:
    before = running.pids()
    os.kill(running.supervisor(), signal.SIGKILL)
    running.start()
    after = running.pids()
    assert not set(before.values()) & set(after.values())
    assert not [pid for pid in before.values() if Path(f"/proc/{pid}").exists()]
    assert len([line for line in running.processes() if "uvicorn" in line]) == 1
    assert running.status()["healthy"]


def test_stop_ends_every_process_and_keeps_the_data(running: Set) -> None:
    where = person_dn("payments", "li.na")
    identity = running.search(where, "(uid=li.na)", "entryUUID")
    assert running.run("stop").returncode == 0
    assert not [line for line in running.processes() if "clusters" not in line]
    assert is_free("127.0.0.1", running.port)
    assert running.run("status").returncode == 1
    assert "not running" in running.run("stop").stdout
    running.start()
    assert running.search(where, "(uid=li.na)", "entryUUID") == identity


def test_a_taken_port_is_named_and_nothing_changes(running: Set) -> None:
    before = running.pids()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        refused = running.run("start", PKS_PORT=str(port))
    assert refused.returncode == 1
    assert str(port) in refused.stderr
    assert "PKS_PORT=" in refused.stderr
    assert running.pids() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PKS_HOST", "0.0.0.0"),  # noqa: S104  # is to be refused
        ("PKS_HOST", "192.0.2.1"),
        ("DATABASE_URL", "postgresql://db.example/portal"),
        ("PKS_DIRECTORY_URI", "ldaps://ad.example"),
    ],
)
def test_known_passwords_stay_on_loopback_and_away_from_real_data(one_set: Set, name: str, value: str) -> None:
    refused = one_set.run("start", **{name: value})
    assert refused.returncode == 1
    assert (value if name == "PKS_HOST" else name) in refused.stderr


def test_clean_refuses_while_clusters_live(running: Set) -> None:
    cluster = running.data / "clusters" / "0198c0de"
    cluster.mkdir(parents=True)
    try:
        refused = running.run("clean")
        assert refused.returncode == 1
        assert "clusters: 1." in refused.stderr
        assert running.status()["healthy"]
    finally:
        cluster.rmdir()


def test_data_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    newer = Set(tmp_path)
    newer.data.mkdir()
    (newer.data / "layout").write_text("99\n")
    refused = newer.run("start")
    assert refused.returncode == 1
    assert "newer release" in refused.stderr
    assert [entry.name for entry in newer.data.iterdir()] == ["layout"]


def test_the_directory_wants_tls_and_a_name_and_a_password(running: Set) -> None:
    li_na = person_dn("payments", "li.na")
    running.bind(li_na, PASSWORD).unbind_s()
    clear = ldap.initialize(f"ldap://127.0.0.1:{running.ports()['ldap']}")
    with pytest.raises(ldap.CONFIDENTIALITY_REQUIRED):
        clear.simple_bind_s(li_na, PASSWORD)
    with pytest.raises(ldap.INAPPROPRIATE_AUTH):
        running.bind("", "")
    with pytest.raises(ldap.UNWILLING_TO_PERFORM):
        running.bind(li_na, "")
    with pytest.raises(ldap.INVALID_CREDENTIALS):
        running.bind(person_dn("payments", "zhao.min"), PASSWORD)


def test_people_have_both_names_and_roles_come_through_teams(running: Set) -> None:
    ((_, li_na),) = running.search(mapping.USER_BASE, "(uid=li.na)", "cn", "displayName", "mail", "memberOf")
    assert (li_na["cn"], li_na["displayName"]) == (["李娜".encode()], [b"Li Na"])
    assert li_na["memberOf"] == [mapping.group_dn("pks-payments-operators").encode()]
    assert len(running.search(mapping.USER_BASE, "(objectClass=inetOrgPerson)", "uid")) == sum(
        map(len, PEOPLE.values())
    )
    groups = {dn: entry["member"] for dn, entry in running.search(mapping.GROUP_BASE, "(member=*)", "member")}
    assert {dn for dn, _, _ in mapping.MAPPINGS} <= groups.keys()
    developers = groups[mapping.group_dn("pks-risk-developers")]
    assert developers == [mapping.group_dn("risk-engineering").encode()]
    assert mapping.group_dn("risk-rules").encode() in groups[developers[0].decode()]


def test_a_changed_entry_is_put_right_and_a_changed_password_is_kept(running: Set) -> None:
    admin = running.bind(mapping.ADMIN_DN, running.known()["directory-admin-password"])
    hao_ran = person_dn("iot", "hao.ran")
    admin.modify_s(hao_ran, [(ldap.MOD_REPLACE, "title", [b"Astronaut"])])
    admin.passwd_s(hao_ran, None, "another-one-1")
    running.start()
    ((_, found),) = running.search(hao_ran, "(uid=hao.ran)", "title")
    assert found["title"] == ["值班工程师".encode()]
    running.bind(hao_ran, "another-one-1").unbind_s()
    admin.passwd_s(hao_ran, None, PASSWORD)
