"""Blobs straight from the registry's storage, where that is a directory of this host: one program less in the way.

Only whole ones, and only those that their repository has; what is asked for is looked at as the registry itself does.
All else – a part, a condition, what is not there, another storage – is the registry's to answer.
"""

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from registry import shelf
from registry.gateway.passing import LARGE, line_of
from registry.gateway.replies import Reply, error
from registry.names import is_digest
from registry.shelf import Blob

if TYPE_CHECKING:
    from registry.gateway.app import Call

PARTIAL: Final = frozenset({b"range", b"if-none-match", b"if-match", b"if-modified-since", b"if-unmodified-since"})
FOREVER: Final = "max-age=31536000"


async def fetched(call: "Call") -> Reply | bool:
    """Answer a GET or HEAD of a blob; False where the registry has to. Raises Gone."""
    if not is_digest(call.rest) or any(name in PARTIAL for name, _value in call.scope["headers"]):
        return False
    if (place := shelf.place()) is None:
        return False
    if not shelf.has(place, str(call.name), call.rest):
        return _unknown() if call.method == "HEAD" else False
    if (blob := shelf.taken(place, call.rest)) is None:
        return False
    try:
        await _sent(call, blob)
    finally:
        os.close(blob.file)
    return True


def _unknown() -> Reply:
    """Return what every client asks for before it pushes a blob."""
    return error("BLOB_UNKNOWN", "blob unknown to registry", HTTPStatus.NOT_FOUND)


async def _sent(call: "Call", blob: Blob) -> None:
    said = {
        "accept-ranges": "bytes", "cache-control": FOREVER, "content-length": str(blob.size),
        "content-type": "application/octet-stream", "docker-content-digest": call.rest,
        "docker-distribution-api-version": "registry/2.0", "etag": f'"{call.rest}"',
    }  # fmt: skip
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    await call.send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
    if call.method == "GET":
        await _body(call, blob)
    await call.send({"type": "http.response.body", "body": b""})


async def _body(call: "Call", blob: Blob) -> None:
    line, at = line_of(call), 0
    if line is not None and blob.size >= LARGE and await line.ready():
        with line.open() as sock:
            await line.read_out(blob.file, sock, blob.size)
        return
    while piece := os.pread(blob.file, LARGE, at):
        await call.send({"type": "http.response.body", "body": piece, "more_body": True})
        at += len(piece)
