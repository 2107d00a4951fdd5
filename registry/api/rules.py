"""REST: which tags of a project are immutable, what of it is retained, and the runs of those rules."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal import messages
from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from registry import rights
from registry.api.projects import project_of
from registry.api.upkeep import StartedPages
from registry.models import ImmutableRule, RetentionRule, RetentionRun
from registry.upkeep import retaining, rules
from tenants.http import StrictSerializer, UserRequest

PATTERN = "A pattern: * within a part, ** across, {a,b} either."


class ImmutableRuleSerializer(serializers.ModelSerializer[ImmutableRule]):
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)

    class Meta:
        model = ImmutableRule
        fields: ClassVar = ["id", "repositories", "tags", "disabled", "made_by", "made_at"]


class NewImmutableRuleSerializer(StrictSerializer):
    repositories = serializers.CharField(max_length=200, default="**", help_text=PATTERN)
    tags = serializers.CharField(max_length=200, help_text=PATTERN)
    disabled = serializers.BooleanField(default=False)


class ImmutableRuleChangeSerializer(StrictSerializer):
    repositories = serializers.CharField(max_length=200, required=False)
    tags = serializers.CharField(max_length=200, required=False)
    disabled = serializers.BooleanField(required=False)


class RetentionRuleSerializer(serializers.ModelSerializer[RetentionRule]):
    """`number`: how many or how many days, by `keep`; `untagged`: it speaks of artifacts without a tag too."""

    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)

    class Meta:
        model = RetentionRule
        fields: ClassVar = [
            "id", "repositories", "tags", "untagged", "keep", "number", "disabled", "made_by", "made_at",
        ]  # fmt: skip


class NewRetentionRuleSerializer(StrictSerializer):
    repositories = serializers.CharField(max_length=200, default="**", help_text=PATTERN)
    tags = serializers.CharField(max_length=200, default="**", help_text=PATTERN)
    untagged = serializers.BooleanField(default=True)
    keep = serializers.ChoiceField(choices=RetentionRule.Keep.choices)
    number = serializers.IntegerField(default=0, min_value=0, max_value=rules.MOST_NUMBER)
    disabled = serializers.BooleanField(default=False)


class RetentionRuleChangeSerializer(StrictSerializer):
    repositories = serializers.CharField(max_length=200, required=False)
    tags = serializers.CharField(max_length=200, required=False)
    untagged = serializers.BooleanField(required=False)
    keep = serializers.ChoiceField(choices=RetentionRule.Keep.choices, required=False)
    number = serializers.IntegerField(required=False, min_value=0, max_value=rules.MOST_NUMBER)
    disabled = serializers.BooleanField(required=False)


class RulePages(CursorPages):
    ordering = ("made_at", "pk")  # type: ignore[assignment]


class ImmutableRulesViewSet(GenericViewSet[ImmutableRule]):
    """Rules by which tags stay what they are once pushed."""

    queryset = ImmutableRule.objects.none()
    serializer_class = ImmutableRuleSerializer
    pagination_class = RulePages

    @extend_schema(responses=ImmutableRuleSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the rules."""
        rows: Any = self.paginate_queryset(project_of(request, project).immutable_rules.select_related("made_by"))
        return self.get_paginated_response(ImmutableRuleSerializer(rows, many=True).data)

    @extend_schema(request=NewImmutableRuleSerializer, responses={201: ImmutableRuleSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Make tags immutable that fit a pattern."""
        found = project_of(request, project)
        data = NewImmutableRuleSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = rules.make_immutable(request.user, found, data.validated_data)
        return Response(ImmutableRuleSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ImmutableRuleChangeSerializer, responses=ImmutableRuleSerializer)
    def partial_update(self, request: UserRequest, project: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Change a rule."""
        row = self._rule(request, project, id)
        data = ImmutableRuleChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(ImmutableRuleSerializer(rules.change_immutable(request.user, row, data.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, project: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Delete a rule: its tags may move again."""
        rules.delete(request.user, self._rule(request, project, id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _rule(self, request: UserRequest, project: str, id: int) -> ImmutableRule:  # noqa: A002 - its name in the URL
        rows = ImmutableRule.objects.select_related("project__tenant", "made_by")
        row = rows.filter(project=project_of(request, project), pk=id).first()
        if row is None:
            raise NotFound("error.not_found")
        return row


class RetentionRulesViewSet(GenericViewSet[RetentionRule]):
    """Rules by which old artifacts go. What any rule keeps stays; what no rule speaks of stays too."""

    queryset = RetentionRule.objects.none()
    serializer_class = RetentionRuleSerializer
    pagination_class = RulePages

    @extend_schema(responses=RetentionRuleSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the rules."""
        rows: Any = self.paginate_queryset(project_of(request, project).retention_rules.select_related("made_by"))
        return self.get_paginated_response(RetentionRuleSerializer(rows, many=True).data)

    @extend_schema(request=NewRetentionRuleSerializer, responses={201: RetentionRuleSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Make a rule; it counts from the next run on, every day."""
        found = project_of(request, project)
        data = NewRetentionRuleSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = rules.make_retention(request.user, found, data.validated_data)
        return Response(RetentionRuleSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RetentionRuleChangeSerializer, responses=RetentionRuleSerializer)
    def partial_update(self, request: UserRequest, project: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Change a rule."""
        row = self._rule(request, project, id)
        data = RetentionRuleChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(RetentionRuleSerializer(rules.change_retention(request.user, row, data.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, project: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Delete a rule."""
        rules.delete(request.user, self._rule(request, project, id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _rule(self, request: UserRequest, project: str, id: int) -> RetentionRule:  # noqa: A002 - its name in the URL
        rows = RetentionRule.objects.select_related("project__tenant", "made_by")
        row = rows.filter(project=project_of(request, project), pk=id).first()
        if row is None:
            raise NotFound("error.not_found")
        return row


class NewRetentionRunSerializer(StrictSerializer):
    dry_run = serializers.BooleanField(default=True, help_text="Only say what would go.")


class RetentionRunSerializer(serializers.ModelSerializer[RetentionRun]):
    """`kept` and `going` as decided, `removed` as done: what changed in between stays."""

    asked_by = serializers.CharField(source="asked_by.username", allow_null=True, default=None)

    class Meta:
        model = RetentionRun
        fields: ClassVar = [
            "id", "dry_run", "task", "asked_by", "started_at", "ended_at", "kept", "going", "removed",
        ]  # fmt: skip


class RetentionRowSerializer(serializers.Serializer[Any]):
    """What becomes of one artifact, and why."""

    repository = serializers.CharField()
    digest = serializers.CharField()
    kind = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    size = serializers.IntegerField()
    pushed_at = serializers.DateTimeField()
    pulled_at = serializers.DateTimeField(allow_null=True)
    goes = serializers.BooleanField()
    why = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_why(self, row: dict[str, Any]) -> list[str]:
        return [messages.render(said["key"], said["args"]) for said in row["why"]]


class RetentionReportSerializer(RetentionRunSerializer):
    """With a row for each artifact, what goes first."""

    report = RetentionRowSerializer(many=True)

    class Meta(RetentionRunSerializer.Meta):
        fields: ClassVar = [*RetentionRunSerializer.Meta.fields, "report"]


class RetentionRunsViewSet(GenericViewSet[RetentionRun]):
    """Runs of a project's retention rules, dry or not."""

    queryset = RetentionRun.objects.none()
    serializer_class = RetentionRunSerializer
    pagination_class = StartedPages

    @extend_schema(responses=RetentionRunSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the runs, the newest first."""
        found = project_of(request, project).retention_runs.select_related("asked_by").defer("report")
        rows: Any = self.paginate_queryset(found)
        return self.get_paginated_response(RetentionRunSerializer(rows, many=True).data)

    @extend_schema(request=NewRetentionRunSerializer, responses={202: RetentionRunSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Carry the rules out, or with `dry_run` (so unless it is said otherwise) only say what would go."""
        found = project_of(request, project)
        rights.require(request.user, "registry.configure", found)
        data = NewRetentionRunSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = retaining.ask(request.user, found, dry_run=data.validated_data["dry_run"])
        headers = {"Location": f"/api/v1/registry/projects/{found.name}/retention-runs/{row.pk}"}
        return Response(RetentionRunSerializer(row).data, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(responses=RetentionReportSerializer)
    def retrieve(self, request: UserRequest, project: str, pk: Any) -> Response:
        """Show a run with what becomes of each artifact, and why."""
        rows = project_of(request, project).retention_runs.select_related("asked_by")
        if (row := rows.filter(pk=pk).first()) is None:
            raise NotFound("error.not_found")
        return Response(RetentionReportSerializer(row).data)
