"""REST: Kubernetes versions, where their programs are, and how current they are."""

from dataclasses import fields
from typing import Any

from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from clusters import preparing, versions
from clusters.engines.local import binaries
from pks_portal.errors import Conflict, NotFound
from pks_portal.operations.api import TaskSerializer
from tenants.access import require
from tenants.http import UserRequest


class VersionSerializer(serializers.Serializer[Any]):
    """A version: `state` of its programs on this machine, and what is known of its support."""

    version = serializers.CharField()
    default = serializers.BooleanField()
    state = serializers.CharField()
    progress = serializers.IntegerField()
    text = serializers.CharField()
    support = serializers.CharField()
    released = serializers.DateField(allow_null=True)
    maintenance = serializers.DateField(allow_null=True)
    end_of_life = serializers.DateField(allow_null=True)
    newest_known_patch = serializers.CharField(allow_null=True)
    patch_behind = serializers.BooleanField()
    data_as_of = serializers.DateField()
    data_stale = serializers.BooleanField()


class VersionsSerializer(serializers.Serializer[Any]):
    items = VersionSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def facts_of(version: str) -> dict[str, Any]:
    """Return what pages and programs are told about an offered version."""
    state = binaries.state(version)
    info = versions.info(version, timezone.localdate())
    return {
        **{field.name: getattr(info, field.name) for field in fields(info) if field.name != "said"},
        "default": version == binaries.default(),
        "state": state.phase,
        "progress": round(100 * state.share),
        "text": str(state.said),
        "said": [str(said) for said in info.said],
        "building": state.building,
    }


class VersionViewSet(ViewSet):
    """The Kubernetes versions that clusters may have."""

    lookup_value_regex = r"[0-9]+\.[0-9]+\.[0-9]+"

    @extend_schema(responses=forced_singular_serializer(VersionsSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: UserRequest) -> Response:
        """List the offered versions, the default first."""
        items = [facts_of(version) for version in binaries.offered()]
        return Response(VersionsSerializer({"items": items, "next": None, "previous": None}).data)

    @extend_schema(responses=VersionSerializer)
    def retrieve(self, request: UserRequest, pk: str) -> Response:
        """Return one offered version."""
        return Response(VersionSerializer(facts_of(_offered(pk))).data)

    @extend_schema(request=None, responses={202: TaskSerializer})
    @action(detail=True, methods=["post"])
    def prepare(self, request: UserRequest, pk: str) -> Response:
        """Make the programs of a version on this machine."""
        version = _offered(pk)
        require(request.user, "version.prepare", None)
        if (operation := preparing.ensure(version, request.user)) is None:
            raise Conflict("error.version_ready_or_busy", version=version)
        body = TaskSerializer(operation).data
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": f"/api/v1/tasks/{operation.pk}"})


def _offered(version: str) -> str:
    if version not in binaries.offered():
        raise NotFound("error.not_found")
    return version
