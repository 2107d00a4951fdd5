"""The kinds of task that clusters have."""

from clusters import held, hosts, preparing, services, starting, tasks, trusting, warm  # noqa: F401  (hosts, starting: a worker must know their tasks)
from pks_portal.operations.kinds import Kind, declare

for _change in ("create", "scale"):
    declare(
        f"cluster.{_change}",
        Kind(
            turn=tasks.converge,
            succeeded=tasks.settled,
            failed=tasks.not_settled,
            cancelled=tasks.cancelled,
            dropped=held.dropped,
            retry=services.retry,
            attempts=8,
        ),
    )
declare(
    "cluster.delete",
    Kind(turn=tasks.dismantle, succeeded=tasks.gone, failed=tasks.not_gone, retry=services.retry, attempts=12),
)
declare(preparing.KIND, Kind(turn=preparing.prepare, retry=preparing.retry, attempts=5))
declare(warm.FILL, Kind(turn=warm.fill, succeeded=warm.filled, failed=warm.not_filled, attempts=3))
declare(warm.DRAIN, Kind(turn=warm.drain, succeeded=warm.drained, attempts=5))
declare("cluster.trust", Kind(turn=trusting.turn, retry=trusting.retry, attempts=10))
