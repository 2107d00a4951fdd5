"""How long this kind of work took before: the only source of an estimate. Without history none is shown."""

from datetime import timedelta
from statistics import quantiles

from django.db.models import F

from pks_portal.operations.models import Operation, OperationStep

RUNS = 50
LEAST = 3


def past_runs(kind: str, *, engine: str, plan: str) -> tuple[float, float] | None:
    """Return (median, p90) seconds of the last successful runs of a kind on an engine and plan; None below three."""
    rows = Operation.objects.filter(
        kind=kind, engine=engine, plan=plan, status=Operation.Status.SUCCEEDED, started_at__isnull=False
    )
    spans = rows.order_by("-ended_at").values_list("started_at", "ended_at")[:RUNS]
    return _figures([(end - start).total_seconds() for start, end in spans if start and end])


def seconds_left(operation: Operation) -> tuple[float, float] | None:
    """Return (median, p90) seconds that the steps not yet done took before, less what the running one has used."""
    if operation.ended:
        return None
    median = p90 = 0.0
    for step in operation.steps.exclude(state__in=[OperationStep.State.DONE, OperationStep.State.SKIPPED]):
        if (past := _step_figures(operation, step.name)) is None:
            return None
        used = step.seconds or 0.0
        median += max(0.0, past[0] - used)
        p90 += max(0.0, past[1] - used)
    return median, p90


def _step_figures(operation: Operation, name: str) -> tuple[float, float] | None:
    rows = OperationStep.objects.filter(
        name=name,
        state=OperationStep.State.DONE,
        operation__kind=operation.kind,
        operation__engine=operation.engine,
        operation__plan=operation.plan,
        operation__status=Operation.Status.SUCCEEDED,
    )
    spans = rows.annotate(took=F("ended_at") - F("started_at")).order_by("-pk").values_list("took", flat=True)[:RUNS]
    return _figures([span.total_seconds() for span in spans if isinstance(span, timedelta)])


def _figures(seconds: list[float]) -> tuple[float, float] | None:
    if len(seconds) < LEAST:
        return None
    deciles = quantiles(sorted(seconds), n=10, method="inclusive")
    return deciles[4], deciles[8]
