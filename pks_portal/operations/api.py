"""REST: tasks and their events, for scripts and the command line."""

import time
from typing import Any, ClassVar

from django.db import connection
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.operations import commands, history
from pks_portal.operations.filters import TaskFilters
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
    status_label = serializers.CharField(help_text="The status in words, or that the task is blocked.")
    waiting_for = serializers.CharField()
    waits_for = serializers.UUIDField(
        source="waits_for_id", allow_null=True, help_text="The platform's task for which it waits, or waited last."
    )
    blocked = serializers.BooleanField(help_text="Something stands in the way that a person may force.")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Operation
        fields: ClassVar = [
            "id", "kind", "title", "status", "status_label", "progress", "tenant", "subject", "actor", "wanted",
            "waiting_for", "waits_for", "blocked", "blocked_since", "forced_by", "error", "cancellable",
            "created_at", "started_at", "due_at", "ended_at", "last_seq",
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


class EventsQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**31, default=0, help_text="Only greater seqs.")
    wait = serializers.FloatField(
        min_value=0, default=0, help_text="Seconds to wait for an event when there is none yet, at most 25."
    )


class TaskViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Operation]):
    """Long-running work: what was asked, how far it is, and every event of it."""

    queryset = Operation.objects.none()
    filterset_class = TaskFilters

    def get_serializer_class(self) -> type[TaskSerializer]:
        return TaskDetailSerializer if self.action == "retrieve" else TaskSerializer

    def get_queryset(self) -> Any:
        return Operation.objects.visible_to(self.request.user, "task.view").select_related("tenant")

    def list(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """List tasks, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(parameters=[EventsQuery], responses=EventsSerializer)
    @action(detail=True)
    def events(self, request: UserRequest, pk: str | None = None) -> Response:
        """Return the events after a seq, in order; with `wait`, hold the answer until there is one."""
        operation = self.get_object()
        query = EventsQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        after = query.validated_data["after"]
        # in this order: of "nan" it makes the longest
        deadline = time.monotonic() + min(LONGEST_WAIT, query.validated_data["wait"])
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
    def force(self, request: UserRequest, pk: str | None = None) -> Response:
        """Let a task whose `blocked` is true go past what it names; anything else is asked as before."""
        operation = self.get_object()
        commands.force(request.user, operation)
        return Response(TaskSerializer(operation).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: UserRequest, pk: str | None = None) -> Response:
        """Start a failed or cancelled task anew, the answer is the new task; or let a blocked one try now."""
        operation = commands.retry(request.user, self.get_object())
        location = {"Location": f"/api/v1/tasks/{operation.pk}"}
        return Response(TaskSerializer(operation).data, status=status.HTTP_202_ACCEPTED, headers=location)
