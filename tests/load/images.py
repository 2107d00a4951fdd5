"""The registry: layers through the gateway against the registry behind it, tokens, and lists of very many artifacts."""

import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx

from pks_portal.default_set.processes import memory
from tests.load import helper
from tests.load.browser import COOKIE
from tests.load.figures import Result, Row, percentile, ratio_row
from tests.load.layers import MIB, Layer, Registry
from tests.load.portal import Asker
from tests.load.progress import tell
from tests.real.running import Portal

PAIRS, REQUESTS, CLIENTS = 5, 50, 4
TOKENS: Final = 400
SHAPES: Final = {"1 × 1 GiB": (1, 1024), "100 × 1 MiB": (100, 1)}
ARTIFACTS, TAGS = 100_000, 1_000
REPOSITORY: Final = "payments/bench"
SLOWER: Final = 1.11
"""At least 0.9 times as fast."""
METHOD = f"""\
Layers of random bytes are pushed (HEAD, POST, PATCH, PUT) and pulled through the gateway and, with the same token, at
the registry behind it, in turns: {PAIRS} pairs, one before them not counted; of many layers four are under way at once.
A pull checks the digest, as every client does. Memory: how much the web process is larger after the layers of 1 GiB
than before. Tokens: {CLIENTS} clients ask at once with a personal token, {TOKENS} times in all. Lists: one repository
with {ARTIFACTS:,} artifacts and {TAGS:,} tags (rows made in the database), {REQUESTS} requests of each, one after the
other over one connection, timed by the client."""


def measure(portal: Portal) -> Result:
    """Move layers, ask for tokens, then for lists."""
    asker = Asker(portal)
    secret = asker.send("POST", "/api/v1/me/tokens", {"name": "bench", "scopes": ["registry"]})["token"]
    rows: list[Row] = []
    runs: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="pks-layers-") as scratch:
        for words, shape in SHAPES.items():
            moved, grown = _moved(portal, secret, Path(scratch), *shape)
            runs.append({words: moved, "grown": grown})
            rows += [
                ratio_row(
                    f"{way} {words}, against the bare registry", SLOWER, moved[f"{way} ours"], moved[f"{way} peer"]
                )
                for way in ("push", "pull")
            ]
            if shape[1] > 1:
                title = "growth of the web process by layers of 1 GiB"
                rows.append(Row(title=title, value=round(grown / MIB, 1), unit="MiB", goal=64))
    tokens, seconds = _tokens(portal, secret)
    rows.append(
        Row(
            title="token request, 95th percentile", value=1000 * percentile(tokens, 0.95), unit="ms", goal=100,
            ours=f"{len(tokens) / seconds:.0f} a second",
        )
    )  # fmt: skip
    lists = _lists(portal, asker)
    rows += [
        Row(title=f"{name}, 95th percentile", value=percentile(times, 0.95), unit="ms", goal=200)
        for name, times in lists.items()
    ]
    runs += [{"tokens": tokens, "seconds": seconds}, {"lists_ms": lists}]
    return Result(name="images", title="The image registry", method=METHOD, rows=rows, runs=runs)


def _moved(portal: Portal, secret: str, scratch: Path, many: int, size: int) -> tuple[dict[str, list[float]], int]:
    """Return seconds by way and side, and by how many bytes the web process grew."""
    found: dict[str, list[float]] = {f"{way} {side}": [] for way in ("push", "pull") for side in ("ours", "peer")}
    bare = int(re.findall(r"addr: 127\.0\.0\.1:(\d+)", (portal.data / "run" / "registry.yml").read_text())[0])
    before = memory(portal.pid("web"))
    for turn in range(PAIRS + 1):
        for side, port in (("peer", bare), ("ours", portal.port)):
            layers = [Layer.make(scratch / str(number), size) for number in range(many)]
            headers = {"Authorization": f"Bearer {_token(portal, secret)}"}
            registry = Registry(port, REPOSITORY, headers)
            times = {way: _timed(act, layers) for way, act in _ways(registry).items()}
            for way, seconds in times.items() if turn else ():
                found[f"{way} {side}"].append(seconds)
            _forget(portal, layers)
        if turn:
            tell(f"{many} × {size} MiB: " + ", ".join(f"{name} {every[-1]:.2f}" for name, every in found.items()))
    return found, memory(portal.pid("web")) - before


def _ways(registry: Registry) -> dict[str, Callable[[list[Layer]], None]]:
    return {"push": registry.push, "pull": registry.pull}


def _timed(act: Callable[..., object], *given: object) -> float:
    began = time.perf_counter()
    act(*given)
    return round(time.perf_counter() - began, 4)


def _forget(portal: Portal, layers: list[Layer]) -> None:
    """Take the bytes away again, else the disk would be full before the bench is done."""
    home = portal.data / "registry" / "docker" / "registry" / "v2" / "blobs" / "sha256"
    for layer in layers:
        name = layer.digest.removeprefix("sha256:")
        (home / name[:2] / name / "data").unlink()


def _token(portal: Portal, secret: str) -> str:
    query = {"service": "pks-registry", "scope": f"repository:{REPOSITORY}:pull,push"}
    answer = httpx.get(f"{portal.url}/service/token", params=query, auth=("li.na", secret), timeout=30)
    assert answer.is_success, answer.text
    return str(answer.json()["token"])


def _tokens(portal: Portal, secret: str) -> tuple[list[float], float]:
    """Return the seconds of each request, and of all of them together."""
    query = {"service": "pks-registry", "scope": f"repository:{REPOSITORY}:pull,push"}

    def ask(_number: int) -> list[float]:
        with httpx.Client(base_url=portal.url, auth=("li.na", secret), timeout=30) as client:
            return [
                _timed(lambda: client.get("/service/token", params=query).raise_for_status())
                for _ in range(TOKENS // CLIENTS)
            ]

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = [one for part in pool.map(ask, range(CLIENTS)) for one in part]
    return found, time.perf_counter() - began


def _lists(portal: Portal, asker: Asker) -> dict[str, list[float]]:
    """Return the milliseconds of each list."""
    assert helper.ask(portal, "images", "payments", "many", str(ARTIFACTS), str(TAGS)) == ARTIFACTS
    session = helper.ask(portal, "sessions", "1")[0]
    rest = "/api/v1/registry/artifacts?repository=payments/many"
    found: dict[str, list[float]] = {}
    with httpx.Client(base_url=portal.url, cookies={COOKIE: session}, timeout=60) as browser:
        page = "/images/payments/many"
        asked = {
            "page of a repository": (browser, page),
            "page of a repository, worst first": (browser, f"{page}?sort=severity"),
            "page of a repository, by a part of a tag": (browser, f"{page}?q=v99"),
            "REST list": (asker.client, rest),
            "REST list of what is listed": (asker.client, f"{rest}&listed=true"),
            "REST list, by tag": (asker.client, f"{rest}&tag=v500"),
        }
        for name, (client, path) in asked.items():
            found[name] = [1000 * _timed(_shown, client, path) for _ in range(REQUESTS)]
            tell(f"{name}: p95 {percentile(found[name], 0.95):.0f} ms")
    return found


def _shown(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == httpx.codes.OK, (path, answer.status_code)
    assert "payments/many" in answer.text, path
