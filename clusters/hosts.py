"""Kubeconfigs are issued and revoked on the host of the cluster's cloud: its keys lie there and nowhere else.

Where that is this host too, the engine is called directly. Otherwise a worker there is asked, and its answer comes back
through the cache: sealed, for a person waits for it and it holds a secret, and for less than a minute.
"""

import base64
import hashlib
import json
import logging
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from celery import shared_task
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from clusters import fleet
from clusters.engines.base import Credential
from clusters.fleet import HERE
from clusters.models import Cluster
from pks_portal.errors import Conflict, Invalid, PortalError, Unavailable

log = logging.getLogger(__name__)

PATIENCE = 15.0  # seconds that a person waits
KEPT = 60
ERRORS: dict[str, type[PortalError]] = {one.__name__: one for one in (Conflict, Invalid, Unavailable)}


def credentials(cluster: Cluster, *, holder: str, level: str, ttl: timedelta, name: str = "") -> Credential:
    """Issue a kubeconfig as Engine.credentials does, on the cluster's host; Unavailable when that does not answer."""
    asked = {"holder": holder, "level": level, "seconds": int(ttl.total_seconds()), **({"name": name} if name else {})}
    if (queue := fleet.queue_of(cluster.cloud)) == HERE:
        made = _issue(cluster, asked)
    else:
        made = _ask(queue, "issue", cluster.pk, asked)
    expires = datetime.fromisoformat(made["expires"])
    return Credential(name=made["name"], kubeconfig=made["kubeconfig"], expires=expires)


def revoke(cluster: Cluster, name: str) -> None:
    """Take a kubeconfig's rights away as Engine.revoke does, on the cluster's host."""
    if (queue := fleet.queue_of(cluster.cloud)) == HERE:
        _revoke(cluster, {"name": name})
    else:
        _ask(queue, "revoke", cluster.pk, {"name": name})


def _issue(cluster: Cluster, asked: dict[str, Any]) -> dict[str, Any]:
    ttl = timedelta(seconds=asked["seconds"])
    chosen = {"name": asked["name"]} if "name" in asked else {}
    engine, wanted = fleet.engine_of(cluster.cloud), fleet.wanted_of(cluster)
    made = engine.credentials(wanted, holder=asked["holder"], level=asked["level"], ttl=ttl, **chosen)
    return {"name": made.name, "kubeconfig": made.kubeconfig, "expires": made.expires.isoformat()}


def _revoke(cluster: Cluster, asked: dict[str, Any]) -> dict[str, Any]:
    fleet.engine_of(cluster.cloud).revoke(cluster.pk, asked["name"])
    return {}


DEEDS = {"issue": _issue, "revoke": _revoke}


def _ask(queue: str, deed: str, cluster: UUID, asked: dict[str, Any]) -> dict[str, Any]:
    """Have a worker on the host do it, and return its answer. Raises what it raised, or Unavailable."""
    place, deadline = f"clusters.answer.{uuid4().hex}", time.time() + PATIENCE
    try:
        answer_there.apply_async((place, deed, str(cluster), asked, deadline), queue=queue, expires=PATIENCE / 2)
        while (sealed := cache.get(place)) is None:
            if time.time() > deadline:
                raise Unavailable("error.host_silent", queue=queue)
            time.sleep(0.05)
        cache.delete(place)
    except (OperationalError, RedisError) as error:
        raise Unavailable("error.host_silent", queue=queue, system="Redis", cause=str(error)) from error
    answer: dict[str, Any] = json.loads(_seal().decrypt(sealed))
    if "refused" in answer:
        raise ERRORS.get(answer["refused"], PortalError)(**answer["with"])
    return answer


@shared_task(ignore_result=True)
def answer_there(place: str, deed: str, cluster_id: str, asked: dict[str, Any], deadline: float) -> None:
    """Do it on this host and leave the answer, sealed, where it is waited for until `deadline` (seconds since 1970)."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud").prefetch_related("pools")
    try:
        answer = DEEDS[deed](rows.get(pk=cluster_id), asked)
    except PortalError as error:
        told = {"key": error.key, "system": error.system, "cause": error.cause, "field": error.field, **error.facts}
        answer = {"refused": type(error).__name__, "with": told}
    except Exception as error:
        log.exception("%s for cluster %s hit a bug.", deed, cluster_id)
        answer = {"refused": "Unavailable", "with": {"key": "error.bug", "kind": type(error).__name__}}
    if time.time() > deadline:
        if "kubeconfig" in answer:  # nobody will ever know of it
            revoke(rows.get(pk=cluster_id), answer["name"])
        return
    cache.set(place, _seal().encrypt(json.dumps(answer).encode()), KEPT)


def _seal() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"clusters.hosts {settings.SECRET_KEY}".encode()).digest()))
