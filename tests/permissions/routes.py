"""Every route of the portal, as Django's resolver and the websockets' routing have them."""

from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, resolve

from pks_portal.asgi import websocket_urls

METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> list[str]:
    """Return every URL route, variable parts as they are declared."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        here = URLResolver._join_route(before, str(pattern.pattern))
        found += _walk(pattern.url_patterns, here) if isinstance(pattern, URLResolver) else [here]
    return found


def route_of(path: str) -> str:
    """Return the route that answers a path."""
    return str(resolve(path.partition("?")[0]).route)


def sockets() -> list[str]:
    """Return every websocket route."""
    return [str(pattern.pattern) for pattern in websocket_urls]


def socket_of(path: str) -> str:
    """Return the websocket route that answers a path."""
    matching: list[Any] = [row for row in websocket_urls if row.pattern.match(path.lstrip("/").partition("?")[0])]
    return str(matching[0].pattern)
