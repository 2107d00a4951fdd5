"""What a cluster's page shows of emergency access: who is in, who may end it, who was in, and whether one may enter."""

from dataclasses import dataclass
from typing import Any

from clusters import emergency
from clusters.models import Cluster, EmergencyAccess
from tenants.access import may
from tenants.models import User

LATEST = 50


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who is in the cluster now, and whether the person who looks may end it."""

    access: EmergencyAccess
    endable: bool


def context(user: User, cluster: Cluster, tab: str) -> dict[str, Any]:
    """Return what the page shows: `inside`, `may_enter` (who has a kubeconfig by a role need not), `entered`."""
    rows = [row for row in emergency.open_in(cluster) if row.live]
    ends = bool(rows and may(user, "cluster.emergency_end", cluster.tenant))
    enters = may(user, "cluster.emergency", cluster.tenant) and not may(user, "kubeconfig.admin", cluster.tenant)
    entered = cluster.emergencies.select_related("person")[:LATEST] if tab == "access" else ()
    return {
        "inside": [Inside(row, ends or row.person_id == user.pk) for row in rows],
        "may_enter": bool(enters),
        "is_inside": any(row.person_id == user.pk for row in rows),
        "emergency_minutes": (emergency.SHORTEST_MINUTES, emergency.LONGEST_MINUTES),
        "emergency_reason": (emergency.SHORTEST_REASON, emergency.LONGEST_REASON),
        "entered": entered,
    }
