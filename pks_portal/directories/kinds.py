"""The kind of task that directories have."""

from pks_portal.directories import syncing
from pks_portal.operations.kinds import Kind, declare

declare(syncing.KIND, Kind(turn=syncing.sync, failed=syncing.failed, retry=syncing.retry, attempts=2))
