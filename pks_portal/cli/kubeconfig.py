"""Putting a cluster into the kubeconfig that kubectl reads, beside whatever else is there."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pks_portal import files
from pks_portal.cli.failures import Failure, Unreachable
from pks_portal.cli.words import say

LOCK_SECONDS = 5.0
LISTS = ("clusters", "users", "contexts")

Document = dict[str, Any]


def target(given: Path | None = None) -> Path:
    """Return the file that kubectl would write to: the one given, else of $KUBECONFIG, else ~/.kube/config."""
    if given:
        return given.expanduser()
    named = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if not named:
        return Path.home() / ".kube" / "config"
    return next((path for path in named if path.exists()), named[-1])


def merge(path: Path, issued: str, *, context: str, entry: str) -> str:
    """Merge an issued kubeconfig (YAML) of one cluster into the file; see merge_all."""
    return merge_all(path, issued, [(context, entry)])[0]


def merge_all(path: Path, issued: str, names: Sequence[tuple[str, str]]) -> list[str]:
    """Merge an issued kubeconfig (YAML) into the file and make its first context the current one.

    `names` are, of each context in order, its name and that of its cluster and user. All other entries stay as they
    are. Returns of each the name of the cluster entry that the context pointed to before, if another, else "". Raises
    Failure if the file is not a kubeconfig, cannot be written, or stays locked.
    """
    path = path.resolve()  # the file behind a link is replaced, not the link
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path):
            kept = _read(path)
            before = [_pointed_to(kept, context) for context, _entry in names]
            for (context, entry), one in reversed(list(zip(names, _issued(issued, len(names)), strict=True))):
                kept = merged(kept, one, context=context, entry=entry)
            files.write(path, _dump(kept), durable=True)
    except OSError as error:
        raise Failure(say("{path} cannot be written: {error}", path=path, error=error)) from None
    return [other if other != entry else "" for other, (_context, entry) in zip(before, names, strict=True)]


def merged(kept: Document, issued: Document, *, context: str, entry: str) -> Document:
    """Return the kept kubeconfig with the issued one's cluster, user and context, under the names given.

    Raises KeyError, IndexError or TypeError if the issued document has none.
    """
    at = dict(issued["contexts"][0]["context"])
    at |= {"cluster": entry, "user": entry}
    added = {
        "clusters": {"name": entry, "cluster": issued["clusters"][0]["cluster"]},
        "users": {"name": entry, "user": issued["users"][0]["user"]},
        "contexts": {"name": context, "context": at},
    }
    lists = {name: _replaced(kept.get(name) or [], item) for name, item in added.items()}
    return {"apiVersion": "v1", "kind": "Config", **kept, **lists, "current-context": context}


def _replaced(items: list[Any], item: Document) -> list[Any]:
    """Return the items with the one of that name replaced at its place, or added behind."""
    names = [other.get("name") if isinstance(other, dict) else None for other in items]
    if item["name"] not in names:
        return [*items, item]
    first = names.index(item["name"])
    return [item if index == first else other for index, other in enumerate(items)]


def _pointed_to(kept: Document, context: str) -> str:
    for item in kept.get("contexts") or []:
        if isinstance(item, dict) and item.get("name") == context:
            return str((item.get("context") or {}).get("cluster", ""))
    return ""


def _read(path: Path) -> Document:
    import yaml  # noqa: PLC0415

    refusal = Failure(
        say("{path} is not a kubeconfig; it was left as it is.", path=path),
        say("Repair it, or name another file with --kubeconfig PATH."),
    )
    try:
        kept = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError):
        raise refusal from None
    if kept is None:
        return {}
    if not isinstance(kept, dict) or kept.get("kind", "Config") != "Config":
        raise refusal
    if not all(isinstance(kept.get(name) or [], list) for name in LISTS):
        raise refusal
    return kept


def _issued(text: str, number: int) -> list[Document]:
    """Return an issued kubeconfig as so many, each of one cluster. Raises Unreachable where it is none."""
    import yaml  # noqa: PLC0415

    document = yaml.safe_load(text)
    try:
        ones = [{kind: [document[kind][at]] for kind in LISTS} for at in range(number)]
        for one in ones:
            merged({}, one, context="any", entry="any")
    except (KeyError, IndexError, TypeError):
        raise Unreachable(say("The portal's answer holds no kubeconfig.")) from None
    return ones


def _dump(document: Document) -> str:
    import yaml  # noqa: PLC0415

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that kubectl too takes: a file beside it that only one program can make."""
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise Failure(
                    say("{path} is locked by another program.", path=path),
                    say("If none is running, remove {lock}.", lock=lock),
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
