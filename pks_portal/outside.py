"""One guarded client for addresses that people have typed: it reaches the outside and nothing inside.

The name is resolved once, every address that it has is checked, and the connection goes to a checked address: a name
that resolves otherwise a moment later gains nothing. TLS is still verified for the name. No redirects, no proxies of
the environment, one deadline for everything, and an answer cut to a size. Networks of one's own are opened by
PKS_WEBHOOK_ALLOW ("10.1.0.0/16", "10.1.2.3:9000", "[fd00::1]:9000").
"""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any, Final, NoReturn

import httpx
from django.conf import settings

from pks_portal.errors import Invalid, Unavailable

SECONDS: Final = 5.0
LARGEST: Final = 4096
LONGEST_URL: Final = 500
LAST_PORT: Final = 65535
Address = IPv4Address | IPv6Address

NEVER: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.88.99.0/24", "192.0.0.0/24", "fec0::/10")))
"""Public by their numbers, yet a cloud's inside or a way around: Azure's metadata, 6to4 relays, site-local IPv6."""
EMBEDDING: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 in which an IPv4 address travels on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status, the beginning of the body, how long it took."""

    status: int
    body: bytes
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart by the parser that also sends."""

    url: httpx.URL
    host: str
    port: int

    @property
    def header(self) -> str:
        """The Host header: the name as typed, and the port where it is not the scheme's own."""
        return self.url.netloc.decode("ascii")


def check(url: str) -> Target:
    """Return a typed address taken apart. Raises Invalid (field "url"): it can never be called.

    Looks at the text alone; where a name leads is looked at each time it is called.
    """
    if len(url) > LONGEST_URL or not url.isascii() or any(char <= " " or char in '\\"<>`\x7f' for char in url):
        _refuse("characters")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        _refuse("form")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        _refuse("scheme")
    if parsed.userinfo or parsed.fragment or "#" in url or "%" in parsed.host or (parsed.port or 1) > LAST_PORT:
        _refuse("form")
    target = Target(parsed, parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80))
    _refuse_literal(target)
    return target


def _refuse_literal(target: Target) -> None:
    """Refuse an address that is written as a number and may not be called: nothing about it can change."""
    try:
        address = ip_address(target.host)
    except ValueError:
        return
    if not permitted(target.url.scheme, address, target.port):
        _refuse("place", host=target.host, port=target.port)


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Answer:
    """POST to a typed address and return the answer, whatever its status.

    Raises Invalid (it leads where the portal does not go), Unavailable (no or no sound answer in time).
    """
    target, deadline = check(url), time.monotonic() + seconds
    try:
        address = _resolved(target, deadline)
        return asyncio.run(_post(target, address, (body, headers), deadline))
    except TimeoutError:
        raise Unavailable("error.outside_slow", system=target.host, seconds=round(seconds)) from None
    except httpx.HTTPError as error:
        raise Unavailable("error.outside_silent", system=target.host, cause=_cause(error)) from None


async def _post(target: Target, address: Address, message: tuple[bytes, Mapping[str, str]], deadline: float) -> Answer:
    body, headers = message
    began = time.monotonic()
    url = target.url.copy_with(host=str(address))
    async with asyncio.timeout(deadline - began), _client() as client:
        request = client.build_request("POST", url, content=body, headers={**headers, "Host": target.header})
        request.extensions["sni_hostname"] = target.host
        response = await client.send(request, stream=True)
        start = await _beginning(response)
        return Answer(response.status_code, start, round(1000 * (time.monotonic() - began)))


def _client() -> httpx.AsyncClient:
    trust = _trust(settings.PKS_WEBHOOK_CA)
    return httpx.AsyncClient(verify=trust, trust_env=False, follow_redirects=False, timeout=None)  # noqa: S113


@cache
def _trust(ca_file: str) -> ssl.SSLContext:
    """Return what TLS trusts: the machine's authorities, and a company's own from a file."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


async def _beginning(response: httpx.Response) -> bytes:
    """Return the first bytes of a body as it was sent, not unpacked: a small one can be a bomb."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size >= LARGEST:
            break
    await response.aclose()
    return b"".join(parts)[:LARGEST]


def _resolved(target: Target, deadline: float) -> Address:
    """Return an address to connect to, after looking at all that the name has. Raises Invalid, Unavailable."""
    found = _lookup(target, max(0.1, deadline - time.monotonic()))
    for address in found:
        if not permitted(target.url.scheme, address, target.port):
            _refuse("place", host=target.host, port=target.port)
    return found[0]


def _lookup(target: Target, seconds: float) -> list[Address]:
    """Resolve in a thread of its own, since nothing else can end a resolver. Raises Unavailable, TimeoutError."""
    answers: SimpleQueue[list[Address] | OSError | ValueError] = SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            answers.put([ip_address(str(row[4][0])) for row in rows])
        except (OSError, ValueError) as error:  # UnicodeError, of impossible names, is a ValueError
            answers.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if not isinstance(found, list) or not found:
        raise Unavailable("error.outside_unknown", system=target.host, host=target.host)
    return list(dict.fromkeys(found))


def permitted(scheme: str, address: Address, port: int) -> bool:
    """Say whether the portal may connect there: the world on its few ports by https, or what the operator allows."""
    if allowed(address, port):
        return True
    return scheme == "https" and port in settings.PKS_WEBHOOK_PORTS and outside(address)


def outside(address: Address) -> bool:
    """Say whether an address belongs to the world: neither this machine, its networks, nor a way back into them."""
    if isinstance(address, IPv6Address):
        if address.scope_id or any(address in network for network in EMBEDDING):
            return False
        if address.ipv4_mapped is not None:
            return outside(address.ipv4_mapped)
    strange = address.is_multicast or address.is_reserved or any(address in network for network in NEVER)
    return address.is_global and not strange


def allowed(address: Address, port: int) -> bool:
    """Say whether the operator's own list has the address; an entry without a port means the usual ones."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    for entry in settings.PKS_WEBHOOK_ALLOW:
        network, _colon, its_port = entry.rpartition(":") if _has_port(entry) else (entry, "", "")
        ports = [int(its_port)] if its_port else [80, *settings.PKS_WEBHOOK_PORTS]
        if address in ip_network(network.strip("[]"), strict=False) and port in ports:
            return True
    return False


def _has_port(entry: str) -> bool:
    return "]:" in entry or entry.count(":") == 1


def _cause(error: httpx.HTTPError) -> str:
    """Return the library's words, which name neither the address's path nor what was sent."""
    return f"{type(error).__name__}: {error}"[:300]


def _refuse(reason: str, **facts: Any) -> NoReturn:
    raise Invalid(f"error.outside_{reason}", field="url", **facts)
