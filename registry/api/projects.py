"""REST: the registry's projects, with their members and robots."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import Invalid, NotFound
from pks_portal.pages import CursorPages
from registry import browsing, members, projects, rights, robots
from registry.filters import ProjectFilters
from registry.models import Project, ProjectMember, Robot
from registry.names import project_name, robot_name
from registry.severity import Severity
from tenants.access import tenants_where
from tenants.http import StrictSerializer, UserRequest
from tenants.models import Role

SEVERITIES = [severity.word for severity in Severity if severity is not Severity.UNKNOWN]


class SeverityField(serializers.ChoiceField):
    """A severity by its word; null: none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=SEVERITIES, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return Severity.read(super().to_internal_value(data))

    def to_representation(self, value: Any) -> str:
        return Severity(value).word


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """`used`: bytes, each content counted once."""

    tenant = serializers.CharField(source="tenant.slug")
    block_severity = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields: ClassVar = [
            "name", "tenant", "about", "public", "scan_on_push", "signed_only", "block_severity", "grace_hours", "used",
            "created_at",
        ]  # fmt: skip

    @extend_schema_field({"type": ["string", "null"], "enum": [*SEVERITIES, None]})
    def get_block_severity(self, project: Project) -> str | None:
        return None if project.block_severity is None else Severity(project.block_severity).word


class ProjectChangeSerializer(StrictSerializer):
    """Settings and policy. `block_severity`: images with a vulnerability as bad or worse may not be pulled."""

    about = serializers.CharField(max_length=200, required=False, allow_blank=True)
    public = serializers.BooleanField(required=False)
    scan_on_push = serializers.BooleanField(required=False)
    signed_only = serializers.BooleanField(required=False)
    block_severity = SeverityField(required=False, allow_null=True)
    grace_hours = serializers.IntegerField(required=False)


class NewProjectSerializer(ProjectChangeSerializer):
    tenant = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=63, validators=[project_name])


class NamePages(CursorPages):
    ordering = "name"


class ProjectViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Project]):
    """Projects of the image registry: name spaces of repositories, each a tenant's."""

    queryset = Project.objects.none()
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilters
    pagination_class = NamePages
    lookup_field = "name"
    lookup_value_regex = "[a-z0-9._-]+"

    def get_queryset(self) -> Any:
        return browsing.projects(self.request.user)

    @extend_schema(request=NewProjectSerializer, responses={201: ProjectSerializer})
    def create(self, request: UserRequest) -> Response:
        """Make a project."""
        data = NewProjectSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wanted = dict(data.validated_data)
        slug, name = wanted.pop("tenant"), wanted.pop("name")
        tenant = tenants_where(request.user, "registry.view").filter(slug=slug).first()
        if tenant is None:
            raise Invalid("error.tenant_unknown", field="tenant", tenant=slug)
        project = projects.create(request.user, tenant, name, **wanted)
        return Response(ProjectSerializer(project).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ProjectChangeSerializer, responses=ProjectSerializer)
    def partial_update(self, request: UserRequest, name: str) -> Response:
        """Change a project's settings and policy."""
        project = self.get_object()
        data = ProjectChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(ProjectSerializer(projects.change(request.user, project, data.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, name: str) -> Response:
        """Delete an empty project."""
        projects.delete(request.user, self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


def project_of(request: UserRequest, name: str) -> Project:
    """Return a project that the person may look into. Raises NotFound."""
    if (project := browsing.projects(request.user).filter(name=name).first()) is None:
        raise NotFound("error.not_found")
    return project


class ProjectMemberSerializer(serializers.ModelSerializer[ProjectMember]):
    user = serializers.CharField(source="user.username")
    given_by = serializers.CharField(source="given_by.username", allow_null=True, default=None)

    class Meta:
        model = ProjectMember
        fields: ClassVar = ["user", "role", "given_by", "given_at"]


class NewProjectMemberSerializer(StrictSerializer):
    user = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices)


class GivenPages(CursorPages):
    ordering = ("given_at", "pk")  # type: ignore[assignment]


class ProjectMembersViewSet(GenericViewSet[ProjectMember]):
    """People with a role in one project, on top of what their tenants give them."""

    queryset = ProjectMember.objects.none()
    serializer_class = ProjectMemberSerializer
    pagination_class = GivenPages

    @extend_schema(responses=ProjectMemberSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the people with a role in the project itself."""
        rows: Any = self.paginate_queryset(project_of(request, project).members.select_related("user", "given_by"))
        return self.get_paginated_response(ProjectMemberSerializer(rows, many=True).data)

    @extend_schema(request=NewProjectMemberSerializer, responses={201: ProjectMemberSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Give somebody a role in the project, or another one."""
        found = project_of(request, project)
        data = NewProjectMemberSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = members.give(request.user, found, data.validated_data["user"], data.validated_data["role"])
        return Response(ProjectMemberSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, project: str, user: str) -> Response:
        """Take somebody's role in the project away."""
        found = project_of(request, project)
        rights.require(request.user, "registry.configure", found)
        row = found.members.select_related("user", "project__tenant").filter(user__username=user).first()
        if row is None:
            raise NotFound("error.not_found")
        members.withdraw(request.user, row)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RobotSerializer(serializers.ModelSerializer[Robot]):
    """`login`: the user name with which it signs in."""

    login = serializers.CharField()
    project = serializers.CharField(source="project.name")
    rights = serializers.ListField(child=serializers.ChoiceField(choices=Robot.Right.choices))
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)
    live = serializers.BooleanField()

    class Meta:
        model = Robot
        fields: ClassVar = [
            "name", "login", "project", "about", "rights", "disabled", "live", "made_by", "created_at", "rotated_at",
            "expires_at", "last_used_at",
        ]  # fmt: skip


class NewRobotSerializer(StrictSerializer):
    name = serializers.CharField(max_length=40, validators=[robot_name])
    rights = serializers.ListField(child=serializers.ChoiceField(choices=Robot.Right.choices))
    days = serializers.IntegerField(default=90)
    about = serializers.CharField(max_length=200, default="", allow_blank=True)


class RobotChangeSerializer(StrictSerializer):
    disabled = serializers.BooleanField(required=False)
    rights = serializers.ListField(child=serializers.ChoiceField(choices=Robot.Right.choices), required=False)


class RotateRobotSerializer(StrictSerializer):
    days = serializers.IntegerField(default=90)


class RobotSecretSerializer(RobotSerializer):
    """With its secret, which is shown this once."""

    secret = serializers.CharField()

    class Meta(RobotSerializer.Meta):
        fields: ClassVar = [*RobotSerializer.Meta.fields, "secret"]


class RobotsViewSet(GenericViewSet[Robot]):
    """Robots: names and secrets with which machines pull and push in one project."""

    queryset = Robot.objects.none()
    serializer_class = RobotSerializer
    pagination_class = NamePages

    def _project(self, request: UserRequest, name: str) -> Project:
        project = project_of(request, name)
        rights.require(request.user, "registry.robots", project)
        return project

    def _robot(self, request: UserRequest, project: str, name: str) -> Robot:
        rows = Robot.objects.select_related("project__tenant", "made_by")
        if (robot := rows.filter(project=self._project(request, project), name=name).first()) is None:
            raise NotFound("error.not_found")
        return robot

    @extend_schema(responses=RobotSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the project's robots."""
        rows = Robot.objects.filter(project=self._project(request, project)).select_related("project", "made_by")
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(RobotSerializer(page, many=True).data)

    @extend_schema(request=NewRobotSerializer, responses={201: RobotSecretSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Make a robot; its secret is shown this once."""
        found = self._project(request, project)
        data = NewRobotSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return _shown(*robots.create(request.user, found, robots.Wish(**data.validated_data)), status.HTTP_201_CREATED)

    @extend_schema(responses=RobotSerializer)
    def retrieve(self, request: UserRequest, project: str, name: str) -> Response:
        """Show a robot."""
        return Response(RobotSerializer(self._robot(request, project, name)).data)

    @extend_schema(request=RobotChangeSerializer, responses=RobotSerializer)
    def partial_update(self, request: UserRequest, project: str, name: str) -> Response:
        """Stop a robot or let it go on, or change its rights."""
        robot = self._robot(request, project, name)
        data = RobotChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wanted = data.validated_data
        robot = robots.change(request.user, robot, disabled=wanted.get("disabled"), held=wanted.get("rights"))
        return Response(RobotSerializer(robot).data)

    @extend_schema(request=RotateRobotSerializer, responses=RobotSecretSerializer)
    def rotate(self, request: UserRequest, project: str, name: str) -> Response:
        """Give a robot a new secret, shown this once; the old one ends."""
        robot = self._robot(request, project, name)
        data = RotateRobotSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        secret = robots.rotate(request.user, robot, data.validated_data["days"])
        robot.refresh_from_db()
        return _shown(robot, secret, status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, project: str, name: str) -> Response:
        """Delete a robot; its secret ends at once."""
        robots.delete(request.user, self._robot(request, project, name))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(robot: Robot, secret: str, code: int) -> Response:
    body = {**RobotSerializer(robot).data, "secret": secret}
    return Response(body, status=code, headers={"Cache-Control": "no-store"})
