"""REST: everybody who has signed in here, for those who run the platform: roles and why, platform roles, the end."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from tenants import leaving, membership, roles, sessions
from tenants.access import require
from tenants.api.members import ReasonSerializer
from tenants.http import StrictSerializer, UserRequest
from tenants.models import Departure, Membership, PlatformGrant, PlatformRole, User

STATES = [(state, state) for state in membership.STATES]
ROLE = OpenApiParameter("role", OpenApiTypes.STR, "path", enum=PlatformRole.values)


class HeldSerializer(serializers.ModelSerializer[Membership]):
    """A role in a tenant; `group`: the directory group that gives it, empty: by hand."""

    tenant = serializers.CharField(source="tenant.slug")
    group = serializers.CharField(source="via")

    class Meta:
        model = Membership
        fields: ClassVar = ["tenant", "role", "source", "group"]


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="label")
    email = serializers.CharField()
    active = serializers.BooleanField(source="is_active")
    directory = serializers.CharField(
        source="directory_source.slug", allow_null=True, default=None, help_text="Null: a local account."
    )
    platform_roles = serializers.SerializerMethodField()
    tenants = HeldSerializer(source="memberships", many=True)

    class Meta:
        model = User
        fields: ClassVar = [
            "id", "username", "name", "email", "active", "directory", "last_login", "platform_roles", "tenants",
        ]  # fmt: skip

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": PlatformRole.values}})
    def get_platform_roles(self, user: User) -> list[str]:
        return sorted({row.role for row in user.platform_grants.all()})


class DepartureSerializer(serializers.ModelSerializer[Departure]):
    """Since when, by whom (null: the directory's sync) and why; `roles`: what they were here until then."""

    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    reason = serializers.CharField(source="said")
    roles = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Departure
        fields: ClassVar = ["at", "by", "reason", "roles"]


class WholePersonSerializer(PersonSerializer):
    """A person with why they have each role, their sign-ins in browsers and at the command line, and their end."""

    reasons = serializers.SerializerMethodField()
    sessions = serializers.IntegerField(source="usersession_set.count")
    sign_ins = serializers.SerializerMethodField()
    departure = serializers.SerializerMethodField()

    class Meta(PersonSerializer.Meta):
        fields: ClassVar = [*PersonSerializer.Meta.fields, "reasons", "sessions", "sign_ins", "departure"]

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, user: User) -> Any:
        return ReasonSerializer(roles.why_all(user), many=True).data

    def get_sign_ins(self, user: User) -> int:
        return len(sessions.sign_ins(user))

    @extend_schema_field(DepartureSerializer(allow_null=True))
    def get_departure(self, user: User) -> Any:
        row = Departure.objects.filter(user=user, ended_at=None).select_related("by").first()
        return DepartureSerializer(row).data if row else None


class DeactivationSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class NewPlatformRoleSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=PlatformRole.choices)


class PeopleFilters(filters.FilterSet):  # type: ignore[misc]
    search = filters.CharFilter(method="named", help_text="Part of a name or user name.")
    username = filters.CharFilter("username", "iexact", help_text="A whole user name.")
    state = filters.ChoiceFilter(choices=STATES, method="in_state")

    def named(self, rows: QuerySet[User], _name: str, wanted: str) -> QuerySet[User]:
        return membership.searched(rows, wanted)

    def in_state(self, rows: QuerySet[User], _name: str, state: str) -> QuerySet[User]:
        return membership.in_state(rows, state)


class ByName(CursorPages):
    ordering = "username"


class PeopleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """The people of the portal; programs are their tenants' service accounts."""

    queryset = User.objects.none()
    serializer_class = PersonSerializer
    pagination_class = ByName
    filterset_class = PeopleFilters
    lookup_value_regex = "[0-9]{1,15}"

    def get_queryset(self) -> QuerySet[User]:
        require(self.request.user, "person.view", None)
        return membership.everybody().select_related("directory_source")

    @extend_schema(responses=WholePersonSerializer)
    def retrieve(self, request: UserRequest, pk: str = "") -> Response:  # type: ignore[override]
        """Show a person: roles and why they have each, sign-ins, and when they left."""
        return Response(WholePersonSerializer(self.get_object()).data)

    @extend_schema(request=DeactivationSerializer, responses=WholePersonSerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: UserRequest, pk: str = "") -> Response:
        """Let a person in no more: sessions, tokens, kubeconfigs and roles end at once."""
        require(request.user, "person.deactivate", None)
        user, data = self.get_object(), DeactivationSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        leaving.dismiss(request.user, user, data.validated_data["reason"])
        return self._now(user)

    @extend_schema(request=None, responses=WholePersonSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: UserRequest, pk: str = "") -> Response:
        """Let a person sign in again; what they had is not given back."""
        require(request.user, "person.deactivate", None)
        user = self.get_object()
        leaving.readmit(request.user, user)
        return self._now(user)

    @extend_schema(request=NewPlatformRoleSerializer, responses={201: WholePersonSerializer})
    @action(detail=True, methods=["post"], url_path="platform-roles")
    def give(self, request: UserRequest, pk: str = "") -> Response:
        """Give a platform role by hand."""
        require(request.user, "role.platform", None)
        user, data = self.get_object(), NewPlatformRoleSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        roles.give_platform(request.user, user, data.validated_data["role"])
        return self._now(user, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[ROLE])
    @action(detail=True, methods=["delete"], url_path="platform-roles/(?P<role>[a-z-]{1,20})")
    def withdraw(self, request: UserRequest, pk: str = "", role: str = "") -> Response:
        """Take a platform role away that was given by hand; one that a group gives goes with the group."""
        require(request.user, "role.platform", None)
        held = PlatformGrant.objects.filter(user=self.get_object(), role=role).select_related("user")
        row = held.order_by("-source").first()  # by hand before by a group
        if row is None:
            raise NotFound("error.not_found")
        roles.withdraw_platform(request.user, row)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _now(self, user: User, code: int = status.HTTP_200_OK) -> Response:
        return Response(WholePersonSerializer(self.get_queryset().get(pk=user.pk)).data, status=code)
