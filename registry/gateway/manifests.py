"""Manifests: what may be pulled, what may be pushed, and the rows of what was."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from channels.db import database_sync_to_async
from django.db import transaction

from pks_portal.errors import PortalError
from registry import disguises, followed, recording, removing
from registry.gateway import deciding
from registry.gateway.passing import incoming, outgoing
from registry.gateway.replies import PRECONDITION, Headers, Reply, error
from registry.gateway.upstream import Request, answered, ask, whole
from registry.images import LARGEST_CONFIG, read_facts, tells
from registry.manifests import LARGEST, Manifest, Part, read
from registry.models import Artifact, Push
from registry.names import is_digest, is_tag
from registry.tokens import signing

if TYPE_CHECKING:
    from registry.gateway.app import Call

LARGEST_REFUSAL: Final = 64 * 1024
PULLED: Final = {"GET": True, "HEAD": False}


async def serve(call: "Call") -> Reply | None:
    """Serve a request for one manifest. Raises PortalError, Gone."""
    if not (is_digest(call.rest) or is_tag(call.rest)):
        return error("MANIFEST_INVALID", "neither a tag nor a digest", HTTPStatus.BAD_REQUEST)
    if call.method in PULLED:
        return await _pull(call)
    if call.method == "PUT":
        return await _push(call)
    await database_sync_to_async(removing.by_reference)(call.name, call.rest, call.claims)
    return Reply(HTTPStatus.ACCEPTED)


async def _pull(call: "Call") -> Reply | None:
    """Answer with a manifest, asked for by its digest: which one a tag means, the database says."""
    look = database_sync_to_async(deciding.find)
    try:
        found = await look(call.name, call.rest, call.claims, counts=PULLED[call.method])
    except deciding.Refused as refused:
        with deciding.in_english():
            return error("PROJECTPOLICYVIOLATION", refused.detail, PRECONDITION)
    target = f"/v2/{call.name}/manifests/{found.digest}"
    headers: Headers = [(b"accept", found.media_type.encode()), (b"authorization", _own(call, "pull"))]
    headers += [(name, value) for name, value in call.scope["headers"] if name == b"if-none-match"]
    async with answered(Request(call.method, target, headers)) as answer:
        if answer.status == HTTPStatus.NOT_FOUND:
            return error("MANIFEST_UNKNOWN", "the manifest is lost; tell an administrator", answer.status)
        await outgoing(answer, call.send)
    return None


async def _push(call: "Call") -> Reply:
    """Take a manifest: counted, kept by the registry, written down."""
    raw = b""
    async for piece in incoming(call.receive):
        raw += piece
        if len(raw) > LARGEST:
            return error("SIZE_INVALID", f"a manifest has at most {LARGEST} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    manifest = read(raw, call.header(b"content-type"), call.rest)
    if is_digest(call.rest) and call.rest != manifest.digest:
        return error("DIGEST_INVALID", "the digest is not that of the manifest", HTTPStatus.BAD_REQUEST)
    manifest = await _unmasked(call, manifest)
    push = await database_sync_to_async(_begun)(call, manifest)
    try:
        status, _headers, body = await _kept(call, manifest)
    except PortalError:
        await database_sync_to_async(recording.abandon)(push)
        raise
    if status != HTTPStatus.CREATED:
        await database_sync_to_async(recording.abandon)(push)
        return Reply(status, body, (("Content-Type", "application/json"),))
    # from here on the registry has it: whatever fails, the push is settled later (registry/upkeep/settling.py)
    await database_sync_to_async(_finished)(push, manifest, await _config(call, manifest))
    return Reply(status, b"", _answer_headers(call, manifest))


def _begun(call: "Call", manifest: Manifest) -> Push:
    origin = recording.Origin(by=call.claims.subject, signs=call.claims.may("sign", str(call.name)))
    return recording.begin(deciding.project_of(call.name), call.name, call.rest, manifest, origin)


def _finished(push: Push, manifest: Manifest, config: dict[str, Any]) -> Artifact:
    with transaction.atomic():  # what follows a push is never lost, nor comes twice
        artifact = recording.finish(push, manifest, config)
        followed.pushed(artifact, push)
    return artifact


async def _kept(call: "Call", manifest: Manifest) -> tuple[int, Headers, bytes]:
    headers = [(b"content-type", manifest.media_type.encode()), (b"authorization", _own(call, "pull", "push"))]
    target = f"/v2/{call.name}/manifests/{call.rest}"
    return await ask(Request("PUT", target, headers, whole(manifest.raw), len(manifest.raw)), LARGEST_REFUSAL)


async def _unmasked(call: "Call", manifest: Manifest) -> Manifest:
    """Look into what passes for something about an image, and could be one."""
    if not (parts := disguises.doubtful(manifest)):
        return manifest
    contents = [await _blob(call, one, disguises.LARGEST) for one in parts]
    return await asyncio.to_thread(disguises.unmasked, manifest, contents)


async def _config(call: "Call", manifest: Manifest) -> dict[str, Any]:
    """Return what an image's configuration says of it; nothing where there is none that can be read."""
    if not tells(manifest) or manifest.config is None:
        return {}
    found = await _blob(call, manifest.config, LARGEST_CONFIG)
    return {} if found is None else read_facts(found)


async def _blob(call: "Call", part: Part, most: int) -> bytes | None:
    """Return the content of a part; None where it is not there, or larger than `most` bytes."""
    target = f"/v2/{call.name}/blobs/{part.digest}"
    headers = [(b"authorization", _own(call, "pull"))]
    head, answered, _body = await ask(Request("HEAD", target, headers), 0)
    length = next((value for name, value in answered if name == b"content-length"), b"")
    if head != HTTPStatus.OK or not length.isdigit() or int(length) > most:
        return None
    status, _headers, body = await ask(Request("GET", target, headers), most)
    return body if status == HTTPStatus.OK else None


def _answer_headers(call: "Call", manifest: Manifest) -> tuple[tuple[str, str], ...]:
    own = [("Location", f"/v2/{call.name}/manifests/{manifest.digest}"), ("Docker-Content-Digest", manifest.digest)]
    return (*own, ("OCI-Subject", manifest.subject)) if manifest.subject else tuple(own)


def _own(call: "Call", *actions: str) -> bytes:
    """Return the gateway's own credential for the registry: who may do it has been decided."""
    return signing.for_portal(str(call.name), *actions).encode()
