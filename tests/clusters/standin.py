"""A stand-in for the engine of a cloud: it remembers which credentials open a cluster, and can be silent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from clusters.engines.base import Capabilities, Credential
from pks_portal.errors import Unavailable


class Host:
    """A cluster's host: which credentials open the cluster, and what happens when it is asked."""

    def __init__(self) -> None:
        self.live: dict[str, timedelta] = {}
        self.silent: set[Any] = set()
        self.then: Callable[[], None] = lambda: None

    def capabilities(self) -> Capabilities:
        return Capabilities(simulated_control_plane=False, simulated_nodes=True)

    def credentials(self, wanted: Any, *, holder: str, level: str, ttl: timedelta, name: str = "") -> Credential:
        self._answers(wanted.id)
        self.live[name] = ttl
        self.then()
        return Credential(name=name, kubeconfig='{"secret": "of an administrator"}', expires=timezone.now() + ttl)

    def revoke(self, cluster_id: Any, name: str) -> None:
        self._answers(cluster_id)
        self.live.pop(name, None)

    def follow(self, wanted: Any) -> bool:
        return True

    def _answers(self, cluster_id: Any) -> None:
        if cluster_id in self.silent:
            raise Unavailable("error.host_silent", queue="far")
