"""The registry that holds the bytes, as the portal itself works with it: on loopback, with its own credential.

Reference: OCI distribution spec 1.1. Every call is bounded; one that fails raises Unavailable, and may be made again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from pks_portal.errors import NotFound, Unavailable
from registry import disguises
from registry.images import read_facts, tells
from registry.manifests import LARGEST, TAKEN, Manifest
from registry.tokens import signing

TIMES: Final = httpx.Timeout(30.0, connect=5.0)
AT_ONCE: Final = 1000
MOST_TAGS: Final = 100_000
ACCEPTED: Final = ", ".join(sorted(TAKEN))
GONE: Final = frozenset({HTTPStatus.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Kept:
    """A manifest as the registry has it."""

    raw: bytes
    media_type: str


class Store:
    """A connection to the registry; use it as `with opened() as store`."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def digest(self, name: str, reference: str) -> str:
        """Return the digest of what a reference means there; "" where nothing does."""
        answer = self._manifest("HEAD", name, reference)
        return "" if answer.status_code in GONE else answer.headers.get("docker-content-digest", "")

    def manifest(self, name: str, reference: str) -> Kept | None:
        """Return a manifest; None where it is not there."""
        answer = self._manifest("GET", name, reference)
        if answer.status_code in GONE:
            return None
        if len(answer.content) > LARGEST:
            raise _silent("too large a manifest")
        return Kept(answer.content, answer.headers.get("content-type", ""))

    def facts(self, name: str, manifest: Manifest) -> dict[str, Any]:
        """Return what an image's configuration says of it; nothing where there is none that can be read."""
        if not tells(manifest) or manifest.config is None:
            return {}
        answer = self._ask("GET", f"{name}/blobs/{manifest.config.digest}", name, "pull")
        return {} if answer.status_code in GONE else read_facts(answer.content)

    def unmasked(self, name: str, manifest: Manifest) -> Manifest:
        """Return the manifest as what its content shows it to be."""
        parts = disguises.doubtful(manifest)
        return disguises.unmasked(manifest, [self.content(name, part.digest, disguises.LARGEST) for part in parts])

    def content(self, name: str, digest: str, most: int) -> bytes | None:
        """Return the content of a blob; None where it is not there, or larger than `most` bytes."""
        target = f"{name}/blobs/{digest}"
        head = self._ask("HEAD", target, name, "pull")
        if head.status_code in GONE or int(head.headers.get("content-length", most + 1)) > most:
            return None
        answer = self._ask("GET", target, name, "pull")
        return None if answer.status_code in GONE else answer.content

    def tags(self, name: str) -> list[str]:
        """Return the names of all tags that the registry has; they may outlive ours."""
        found: list[str] = []
        last = ""
        while len(found) < MOST_TAGS:
            query = {"n": str(AT_ONCE), **({"last": last} if last else {})}
            answer = self._ask("GET", f"{name}/tags/list", name, "pull", params=query)
            some = [] if answer.status_code in GONE else answer.json().get("tags") or []
            found += some
            if len(some) < AT_ONCE or some[-1] == last:
                break
            last = some[-1]
        return list(dict.fromkeys(found))

    def delete(self, name: str, digest: str) -> bool:
        """Have a manifest deleted, with the tags that the registry has for it; False where it was not there."""
        answer = self._ask("DELETE", f"{name}/manifests/{digest}", name, "delete", "pull")
        return answer.status_code not in GONE

    def mount(self, name: str, digest: str, source: str) -> bool:
        """Have a blob of another repository stand in this one too, without copying; False where it is not there."""
        query = {"mount": digest, "from": source}
        answer = self._ask("POST", f"{name}/blobs/uploads/", name, "pull", "push", params=query, also=source)
        if answer.status_code == HTTPStatus.CREATED:
            return True
        location = urlsplit(answer.headers.get("location", ""))
        if location.path:  # it began an upload instead
            target = f"{location.path}?{location.query}" if location.query else location.path
            self._ask("DELETE", target, name, "delete")
        return False

    def put(self, name: str, reference: str, kept: Kept) -> None:
        """Have a manifest kept. Raises NotFound where something that it names is not there."""
        answer = self._ask(
            "PUT", f"{name}/manifests/{reference}", name, "pull", "push",
            content=kept.raw, headers={"Content-Type": kept.media_type},
        )  # fmt: skip
        if answer.status_code in GONE or answer.status_code == HTTPStatus.BAD_REQUEST:
            raise NotFound("error.manifest_unknown", name=name, reference=reference)

    def _manifest(self, method: str, name: str, reference: str) -> httpx.Response:
        return self._ask(method, f"{name}/manifests/{reference}", name, "pull", headers={"Accept": ACCEPTED})

    def _ask(
        self, method: str, path: str, name: str, *actions: str, also: str = "", headers: Any = None, **more: Any
    ) -> httpx.Response:
        """Ask with a token for `name` (and to read `also`). Raises Unavailable on anything unexpected."""
        own = {"Authorization": _token(name, actions, also), **(headers or {})}
        target = path if path.startswith("/") else f"/v2/{path}"
        try:
            answer = self.client.request(method, target, headers=own, **more)
        except httpx.HTTPError as error:
            raise _silent(type(error).__name__) from error
        expected = answer.is_success or answer.status_code in GONE or answer.status_code == HTTPStatus.BAD_REQUEST
        if not expected:
            raise _silent(f"{method} answered {answer.status_code}")
        return answer


def _token(name: str, actions: tuple[str, ...], also: str) -> str:
    if not also:
        return signing.for_portal(name, *actions)
    access = [(name, list(actions)), (also, ["pull"])]
    given = [{"type": "repository", "name": one, "actions": held} for one, held in access]
    return "Bearer " + signing.issue("portal", signing.PORTAL, "", given, seconds=60).token


@contextmanager
def opened() -> Iterator[Store]:
    """Yield the registry, over connections that are closed afterwards."""
    with httpx.Client(base_url=settings.REGISTRY_URL, timeout=TIMES, trust_env=False) as client:
        yield Store(client)


def _silent(cause: str) -> Unavailable:
    return Unavailable("error.registry_silent", system="registry", cause=cause)
