"""Lists from the database: tags, repositories, referrers (OCI distribution spec 1.1), a part at a time."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote

from channels.db import database_sync_to_async

from registry.gateway import deciding
from registry.gateway.replies import Reply, Scope, challenge, error, said
from registry.manifests import OCI_INDEX
from registry.names import is_digest
from registry.tokens.signing import Claims

if TYPE_CHECKING:
    from registry.gateway.app import Call

PART: Final = 100
MOST: Final = 1000


async def tags(call: "Call") -> Reply:
    """Answer the tags of a repository."""
    if call.rest != "list":
        return error("UNSUPPORTED", "the operation is unsupported", HTTPStatus.NOT_FOUND)
    most, last = _part(call.query)
    if most is None:
        return _wrong()
    found = await database_sync_to_async(deciding.tags)(call.name, most, last)
    if found is None:
        return error("NAME_UNKNOWN", f"There is no repository {call.name} for you.", HTTPStatus.NOT_FOUND)
    return said({"name": str(call.name), "tags": found[:most]}, _next(call.scope["path"], found, most))


async def catalog(scope: Scope, claims: Claims | None) -> Reply:
    """Answer the repositories that a person may pull from."""
    if claims is None or not claims.catalog:
        reply = challenge(scope, "", "", insufficient=claims is not None)
        name, value = reply.headers[1]
        return Reply(reply.status, reply.body, (reply.headers[0], (name, f'{value},scope="registry:catalog:*"')))
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    most, last = _part(query)
    if most is None:
        return _wrong()
    found = await database_sync_to_async(deciding.catalog)(claims, most, last)
    return said({"repositories": found[:most]}, _next("/v2/_catalog", found, most))


async def referrers(call: "Call") -> Reply:
    """Answer what is about an artifact; an empty list where nothing is, or it is not there."""
    if not is_digest(call.rest):
        return error("DIGEST_INVALID", "the digest is not one", HTTPStatus.BAD_REQUEST)
    wanted = call.query.get("artifactType", "")
    found = await database_sync_to_async(deciding.referrers)(call.name, call.rest, wanted)
    headers = [("OCI-Filters-Applied", "artifactType")] if wanted else []
    return said(deciding.index_of(found), headers, media_type=OCI_INDEX)


def _part(query: dict[str, str]) -> tuple[int | None, str]:
    """Return how many are wanted at most (None: not a number), and after which."""
    text = query.get("n", str(PART))
    return (min(int(text), MOST) if text.isdigit() and len(text) < 10 else None), query.get("last", "")  # noqa: PLR2004


def _next(path: str, found: list[str], most: int) -> list[tuple[str, str]]:
    if len(found) <= most or not most:
        return []
    return [("Link", f'<{quote(path)}?n={most}&last={quote(found[most - 1])}>; rel="next"')]


def _wrong() -> Reply:
    return error("PAGINATION_NUMBER_INVALID", "n is not a number", HTTPStatus.BAD_REQUEST)
