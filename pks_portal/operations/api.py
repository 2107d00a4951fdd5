"""REST: tasks and their events, for scripts and the command line."""

import hashlib
import json
import time
from typing import Any, ClassVar

from django.db import connection
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import Conflict, Invalid
from pks_portal.operations import commands, history
from pks_portal.operations.models import Operation, OperationEvent, OperationStep
from tenants.http import UserRequest

MOST_EVENTS = 500
LONGEST_WAIT = 25.0
LOOK_EVERY = 0.25


class StepSerializer(serializers.ModelSerializer[OperationStep]):
    text = serializers.CharField(source="label")
    seconds = serializers.FloatField(allow_null=True)

    class Meta:
        model = OperationStep
        fields: ClassVar = [
            "name", "text", "state", "share", "started_at", "ended_at", "seconds",
            "attempt", "attempts_allowed", "next_retry_at",
        ]  # fmt: skip


class SubjectSerializer(serializers.Serializer[Operation]):
    type = serializers.CharField(source="subject_type")
    id = serializers.UUIDField(source="subject_id")
    name = serializers.CharField(source="subject_name")


class TaskErrorSerializer(serializers.Serializer[Operation]):
    code = serializers.CharField(source="error_key")
    detail = serializers.CharField(source="error")
    next = serializers.CharField(source="error_next")
    system = serializers.CharField(source="error_system")
    cause = serializers.CharField(source="error_cause")


class SpanSerializer(serializers.Serializer[Any]):
    """Seconds, from past runs of the same kind."""

    median = serializers.FloatField()
    p90 = serializers.FloatField()


class TaskSerializer(serializers.ModelSerializer[Operation]):
    tenant = serializers.CharField(source="tenant.slug", default=None, allow_null=True)
    subject = SubjectSerializer(source="*")
    actor = serializers.CharField(source="actor_name")
    title = serializers.CharField()
    status_label = serializers.CharField(source="get_status_display")
    waiting_for = serializers.CharField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Operation
        fields: ClassVar = [
            "id", "kind", "title", "status", "status_label", "progress", "tenant", "subject", "actor", "wanted",
            "waiting_for", "error", "cancellable", "created_at", "started_at", "ended_at", "last_seq",
        ]  # fmt: skip

    @extend_schema(responses=TaskErrorSerializer(allow_null=True))
    def get_error(self, operation: Operation) -> dict[str, Any] | None:
        return dict(TaskErrorSerializer(operation).data) if operation.error_key else None


class TaskDetailSerializer(TaskSerializer):
    steps = StepSerializer(many=True)
    seconds_left = serializers.SerializerMethodField()

    class Meta(TaskSerializer.Meta):
        fields: ClassVar = [*TaskSerializer.Meta.fields, "steps", "seconds_left"]

    @extend_schema(responses=SpanSerializer(allow_null=True))
    def get_seconds_left(self, operation: Operation) -> dict[str, float] | None:
        left = history.seconds_left(operation)
        return {"median": left[0], "p90": left[1]} if left else None


class EventSerializer(serializers.ModelSerializer[OperationEvent]):
    text = serializers.CharField()

    class Meta:
        model = OperationEvent
        fields: ClassVar = ["seq", "at", "step", "level", "key", "args", "text"]


class EventsSerializer(serializers.Serializer[Any]):
    items = EventSerializer(many=True)
    status = serializers.CharField()


class TaskViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Operation]):
    """Long-running work: what was asked, how far it is, and every event of it."""

    queryset = Operation.objects.none()

    def get_serializer_class(self) -> type[TaskSerializer]:
        return TaskDetailSerializer if self.action == "retrieve" else TaskSerializer

    def get_queryset(self) -> Any:
        rows = Operation.objects.visible_to(self.request.user, "task.view").select_related("tenant")
        query = self.request.query_params
        filters = {"status__in": "status", "tenant__slug": "tenant", "subject_id": "subject", "kind": "kind"}
        for lookup, name in filters.items():
            if value := query.get(name):
                rows = rows.filter(**{lookup: value.split(",") if lookup.endswith("__in") else _checked(name, value)})
        return rows

    @extend_schema(
        parameters=[
            OpenApiParameter("status", str, description="One or more statuses, separated by commas."),
            OpenApiParameter("tenant", str, description="A tenant's slug."),
            OpenApiParameter("subject", OpenApiTypes.UUID, description="The id of what is changed, a cluster's."),
            OpenApiParameter("kind", str, description="Such as cluster.create."),
        ]
    )
    def list(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """List tasks, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="Only events with a greater seq."),
            OpenApiParameter("wait", float, description="Seconds to wait for one when there is none yet, at most 25."),
        ],
        responses=EventsSerializer,
    )
    @action(detail=True)
    def events(self, request: UserRequest, pk: str | None = None) -> Response:
        """Return the events after a seq, in order; with `wait`, hold the answer until there is one."""
        operation = self.get_object()
        after, wait = _number(request, "after", 0), min(_number(request, "wait", 0), LONGEST_WAIT)
        deadline = time.monotonic() + wait
        while True:
            items = list(operation.events.filter(seq__gt=after)[:MOST_EVENTS])
            operation.refresh_from_db(fields=["status"])
            if items or operation.ended or time.monotonic() >= deadline:
                break
            connection.close_if_unusable_or_obsolete()
            time.sleep(LOOK_EVERY)
        return Response(EventsSerializer({"items": items, "status": operation.status}).data)

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: UserRequest, pk: str | None = None) -> Response:
        """Ask the task to stop at its next safe point."""
        operation = self.get_object()
        commands.cancel(request.user, operation)
        return Response(TaskSerializer(operation).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: UserRequest, pk: str | None = None) -> Response:
        """Start a failed or cancelled task anew; the answer is the new task."""
        operation = commands.retry(request.user, self.get_object())
        location = {"Location": f"/api/v1/tasks/{operation.pk}"}
        return Response(TaskSerializer(operation).data, status=status.HTTP_202_ACCEPTED, headers=location)


def request_key(request: UserRequest) -> str:
    """Return the Idempotency-Key with a digest of what is asked, fit for NewOperation; empty without the header.

    Raises Conflict when the person has sent the key with another request.
    """
    if not (given := request.headers.get("Idempotency-Key", "")):
        return ""
    asked = json.dumps([request.method, request.path, request.data], sort_keys=True)
    key = f"{_digest(given)}:"  # digests: of one length, whatever was sent
    mine = key + _digest(asked)
    if Operation.objects.filter(actor=request.user, request_key__startswith=key).exclude(request_key=mine).exists():
        raise Conflict("error.idempotency_key_reused")
    return mine


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _number(request: UserRequest, name: str, default: float) -> float:
    value = request.query_params.get(name, "")
    try:
        number = float(value) if value else default
    except ValueError:
        number = -1.0
    if not 0 <= number < 2**31:
        raise Invalid("error.number_wrong", field=name, value=value[:40])
    return number


def _checked(name: str, value: str) -> Any:
    if name != "subject":
        return value
    return serializers.UUIDField().run_validation(value)
