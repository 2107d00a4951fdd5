"""REST: who is in a tenant, in which role and why, and the directory groups that give roles."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from tenants import roles, stepup
from tenants.access import require, tenants_where
from tenants.http import StrictSerializer, UserRequest
from tenants.membership import known_person
from tenants.models import GroupMapping, Membership, Role, Tenant, User

ID = OpenApiParameter("id", OpenApiTypes.INT, "path")


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """One role of one person; who has it from several sides is there several times."""

    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.label")
    group = serializers.CharField(source="via", help_text="The directory group that gives the role; empty: by hand.")
    given_by = serializers.CharField(source="given_by.username", allow_null=True, default=None)

    class Meta:
        model = Membership
        fields: ClassVar = ["id", "username", "name", "role", "source", "group", "given_by", "given_at"]


class NewMemberSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150, help_text="Of a person who has signed in here before.")
    role = serializers.ChoiceField(choices=Role.choices)


class MappingSerializer(serializers.ModelSerializer[GroupMapping]):
    group = serializers.CharField(source="group_dn", help_text="The group's full name (DN), lower case.")
    directory = serializers.CharField(source="directory.slug")
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)

    class Meta:
        model = GroupMapping
        fields: ClassVar = ["id", "group", "directory", "role", "made_by", "made_at"]


class NewMappingSerializer(StrictSerializer):
    group = serializers.CharField(max_length=255, help_text="The group's full name (DN).")
    role = serializers.ChoiceField(choices=Role.choices)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a person has a role: by hand (`by`, `at`), or by a group (`group`, and through which others: `chain`)."""

    tenant = serializers.CharField(source="tenant.slug", allow_null=True, default=None)
    role = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    by = serializers.CharField(help_text="Who gave the role or mapped the group; empty when that is not known.")
    at = serializers.DateTimeField(allow_null=True)
    group = serializers.CharField()
    chain = serializers.ListField(child=serializers.CharField(), allow_null=True)
    unknown = serializers.CharField(help_text="Why the chain is not known now.")
    synced_at = serializers.DateTimeField(allow_null=True)


class WhySerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    reasons = ReasonSerializer(many=True)


class ByNumber(CursorPages):
    ordering = "pk"


class MembersViewSet(GenericViewSet[Membership]):
    """The roles that people have in a tenant."""

    queryset = Membership.objects.none()
    serializer_class = MemberSerializer
    pagination_class = ByNumber

    @extend_schema(responses=MemberSerializer(many=True))
    def list(self, request: UserRequest, tenant: str) -> Response:
        """List who has which role in the tenant, and from where."""
        rows = _members(_tenant(request, tenant, "member.view"))
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(MemberSerializer(page, many=True).data)

    @extend_schema(request=NewMemberSerializer, responses={201: MemberSerializer})
    def create(self, request: UserRequest, tenant: str) -> Response:
        """Give a person a role by hand, in place of the one that was given by hand before."""
        row = _tenant(request, tenant, "member.change")
        stepup.guard(request)
        data = NewMemberSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = known_person(data.validated_data["username"])
        given = roles.give(request.user, row, user, data.validated_data["role"])
        return Response(MemberSerializer(given).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[ID])
    def destroy(self, request: UserRequest, tenant: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Withdraw a role that was given by hand."""
        member = _members(_tenant(request, tenant, "member.change")).filter(pk=id).first()
        if member is None:
            raise NotFound("error.not_found")
        stepup.guard(request)
        roles.withdraw(request.user, member)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=WhySerializer)
    def why(self, request: UserRequest, tenant: str, username: str) -> Response:
        """Say why a person has their roles in the tenant."""
        row = _tenant(request, tenant, "tenant.view")
        user = request.user
        if username != user.username:
            require(user, "role.view", row)
            people = User.objects.filter(kind=User.Kind.PERSON, memberships__tenant=row).distinct()
            if (user := people.filter(username=username).first()) is None:  # type: ignore[assignment]
                raise NotFound("error.not_found")
        return Response(WhySerializer({"username": user.username, "reasons": roles.why(user, row)}).data)


class GroupsViewSet(GenericViewSet[GroupMapping]):
    """The directory groups that give roles in a tenant."""

    queryset = GroupMapping.objects.none()
    serializer_class = MappingSerializer
    pagination_class = ByNumber

    @extend_schema(responses=MappingSerializer(many=True))
    def list(self, request: UserRequest, tenant: str) -> Response:
        """List the mapped groups."""
        page: Any = self.paginate_queryset(_mappings(_tenant(request, tenant, "member.view")))
        return self.get_paginated_response(MappingSerializer(page, many=True).data)

    @extend_schema(request=NewMappingSerializer, responses={201: MappingSerializer})
    def create(self, request: UserRequest, tenant: str) -> Response:
        """Have a group give a role, from its people's next sign-in or the next sync on."""
        row = _tenant(request, tenant, "member.change")
        stepup.guard(request)
        data = NewMappingSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        mapping = roles.map_group(request.user, row, data.validated_data["group"], data.validated_data["role"])
        return Response(MappingSerializer(mapping).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[ID])
    def destroy(self, request: UserRequest, tenant: str, id: int) -> Response:  # noqa: A002 - its name in the URL
        """End that a group gives a role; who has it by this group loses it at once."""
        mapping = _mappings(_tenant(request, tenant, "member.change")).filter(pk=id).first()
        if mapping is None:
            raise NotFound("error.not_found")
        stepup.guard(request)
        roles.unmap(request.user, mapping)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _tenant(request: UserRequest, slug: str, action: str) -> Tenant:
    """Return a tenant in which the person may do this. Raises NotFound (may not see it), Forbidden."""
    tenant = tenants_where(request.user, "tenant.view").filter(slug=slug).first()
    if tenant is None:
        raise NotFound("error.not_found")
    require(request.user, action, tenant)
    return tenant


def _members(tenant: Tenant) -> Any:
    rows = Membership.objects.filter(tenant=tenant, user__kind=User.Kind.PERSON)
    return rows.select_related("user", "tenant", "given_by")


def _mappings(tenant: Tenant) -> Any:
    return GroupMapping.objects.filter(tenant=tenant).select_related("tenant", "directory", "made_by")
