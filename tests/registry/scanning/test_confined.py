"""What a program that reads strangers' images gets: no rights, no network but one address, little memory and disk."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from registry.scanning import lone, place
from registry.scanning.binary import Unusable
from registry.scanning.confined import Halted, Run, Scrubbed, prefix, run

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces and give up being root")
ANSWER = b"it is you\n"


def does(script: str, *, network: int | None = None, writes: Path | None = None) -> list[str]:
    """Run a script and return what it wrote; $HERE is the directory into which it may write."""
    lines: list[str] = []
    with ExitStack() as held:
        fds, environment = [] if network is None else [network], {"PATH": "/usr/bin:/bin"}
        if writes is not None:
            fds.append(os.open(writes, os.O_PATH))
            held.callback(os.close, fds[-1])
            environment["HERE"] = f"/proc/self/fd/{fds[-1]}"
        wanted = Run(["bash", "-c", script], environment, fds, network=network, writes=writes)
        run(wanted, system="trivy", log=Scrubbed(lines.append, ()))
    return lines


def test_a_secret_that_it_writes_is_not_told() -> None:
    lines: list[str] = []
    with pytest.raises(Unusable) as refused:
        run(
            Run(["sh", "-c", "echo with s3cret >&2; exit 3"], {"PATH": "/bin"}), system="trivy",
            log=Scrubbed(lines.append, ("s3cret",)),
        )  # fmt: skip
    assert lines == ["with ***"]
    assert "s3cret" not in refused.value.cause


@pytest.mark.parametrize("then", ["exec sleep 60", "while sleep 0.1; do echo; done", "exec yes"])
def test_it_is_heard_while_it_works_and_ends_when_nobody_wants_it_any_more(then: str) -> None:
    heard: list[str] = []
    began = time.monotonic()
    with pytest.raises(Halted):
        run(
            Run(["sh", "-c", f"echo begun; {then}"], {"PATH": "/bin:/usr/bin"}), system="trivy",
            log=Scrubbed(heard.append, ()), stopped=lambda: heard[:1] == ["begun"],
        )  # fmt: skip
    assert time.monotonic() - began < 30


@root_only
def test_it_runs_as_nobody_without_rights_and_without_network() -> None:
    look = "id -u; id -G; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; tail -n +3 /proc/net/dev | wc -l"
    nothing = "0" * 16
    # 1 device: lo, down
    assert [line.split()[-1] for line in does(look)] == ["65534", "65534", nothing, nothing, "1", "1"]


@pytest.fixture
def listening() -> Iterator[int]:
    """Return the port of somebody who says that it is them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.sendall(ANSWER)

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@root_only
def test_its_network_has_one_address_and_nothing_else(listening: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        reach = "for port in {} {}; do (exec 3<>/dev/tcp/127.0.0.1/$port && cat <&3) || echo no; done 2>/dev/null"
        script = reach.format(listening, other.getsockname()[1])
        with lone.network("127.0.0.1", listening) as network:
            found = does(f"{script}; ip -brief address; id -u", network=network)
        assert found[:2] == ["it is you", "no"]
        assert [line.split()[0] for line in found[2:-1]] == ["lo"]
        assert found[-1] == str(place.NOBODY)
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()


@root_only
def test_much_goes_both_ways_and_nothing_of_it_stays_behind(listening: int) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only how many

    earlier, threads = open_files(), threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as echo:

        def serve() -> None:
            client, _ = echo.accept()
            with client:
                while piece := client.recv(65536):
                    client.sendall(piece)

        threading.Thread(target=serve, daemon=True).start()
        with lone.network("127.0.0.1", echo.getsockname()[1]) as network:
            port = echo.getsockname()[1]
            script = "(head -c 8000000 /dev/zero >&3 &); head -c 8000000 <&3 | wc -c"
            assert does(f"exec 3<>/dev/tcp/127.0.0.1/{port}; {script}", network=network) == ["8000000"]
    deadline = time.monotonic() + 10
    while (open_files() > earlier or threading.active_count() > threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (open_files(), threading.active_count()) == (earlier, threads)


def test_who_wants_too_much_memory_is_told_the_limit(settings: Any) -> None:
    settings.SCAN_MEMORY_MIB = 64
    hungry = (
        "exec python3 -c 'bytearray(10**8)' 2>&1 | sed 's/MemoryError/cannot allocate memory/'; exit ${PIPESTATUS[0]}"
    )
    with pytest.raises(Unusable) as refused:
        does(hungry)
    assert (refused.value.key, refused.value.facts["limit"]) == ("error.scan_memory", 64)


def test_who_fills_the_disk_is_ended(settings: Any, tmp_path: Path) -> None:
    settings.SCAN_DISK_MIB = 8
    if os.geteuid() == 0:
        os.chown(tmp_path, place.NOBODY, place.NOBODY)
    one = "head -c 9M /dev/zero >$HERE/one"
    many = "for n in $(seq 100); do head -c 1M /dev/zero >$HERE/$n; done; sleep 60"
    for script in (one, many):
        with pytest.raises(Unusable) as refused:
            does(script, writes=tmp_path)
        assert (refused.value.key, refused.value.facts["limit"]) == ("error.scan_disk", 8)


def test_a_prefix_is_made_for_whoever_we_are() -> None:
    assert prefix(None)[0] == ("unshare" if os.geteuid() == 0 else "prlimit")
