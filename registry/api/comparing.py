"""REST: what differs between two artifacts of a repository."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

from registry.api.artifacts import ArtifactLayerSerializer, ArtifactSerializer
from registry.api.projects import SEVERITIES
from registry.comparing import Carried, Comparison, Side
from registry.models import Artifact
from registry.severity import Severity
from tenants.http import StrictSerializer

LEFT_OUT = frozenset({"tags", "labels", "findings", "project", "tenant"})


class ComparisonQuerySerializer(StrictSerializer):
    """Both by tag or digest. `platform`: of indexes, as "linux/amd64"; without it, the first that both have."""

    before = serializers.CharField(max_length=128)
    after = serializers.CharField(max_length=128)
    platform = serializers.CharField(max_length=128, required=False, default="")


class ComparedArtifactSerializer(serializers.ModelSerializer[Artifact]):
    class Meta:
        model = Artifact
        fields: ClassVar = [name for name in ArtifactSerializer.Meta.fields if name not in LEFT_OUT]

    repository = serializers.CharField(source="repository.__str__")


class ComparedSideSerializer(serializers.Serializer[Side]):
    """One of the two. `artifact`: what is compared, of an index its image; null: none of that platform is there."""

    reference = serializers.CharField()
    digest = serializers.CharField(source="named.digest")
    platforms = serializers.SerializerMethodField()
    artifact = ComparedArtifactSerializer(allow_null=True)
    scanned = serializers.BooleanField(help_text="Not: nothing is known of its vulnerabilities.")
    has_sbom = serializers.BooleanField(help_text="Not: nothing is known of its packages.")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_platforms(self, side: Side) -> list[str]:
        return [name for name in side.platforms if name]


class ComparedPackageSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    ecosystem = serializers.CharField(allow_blank=True)
    before = serializers.ListField(child=serializers.CharField(), help_text="Its versions.")
    after = serializers.ListField(child=serializers.CharField(), help_text="Its versions.")


class ComparedPackagesSerializer(serializers.Serializer[Any]):
    added = ComparedPackageSerializer(many=True)
    gone = ComparedPackageSerializer(many=True)
    changed = ComparedPackageSerializer(many=True)
    same = serializers.IntegerField()


class ComparedVulnerabilitySerializer(serializers.Serializer[Carried]):
    """A vulnerability that only one of them carries, by the worst that a scanner said of it."""

    id = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    severity = serializers.SerializerMethodField()
    packages = serializers.ListField(child=serializers.CharField())
    fixed_in = serializers.ListField(child=serializers.CharField())

    @extend_schema_field({"type": "string", "enum": ["unknown", *SEVERITIES]})
    def get_severity(self, one: Carried) -> str:
        return Severity(one.severity).word

    def to_representation(self, instance: Carried) -> dict[str, Any]:
        """Return it with its lists in order, so that the same question has the same answer."""
        said = super().to_representation(instance)
        return {**said, "packages": sorted(said["packages"]), "fixed_in": sorted(said["fixed_in"])}


class ComparedVulnerabilitiesSerializer(serializers.Serializer[Any]):
    """`alike`: both were judged by the same databases; if not, a difference may be one of the databases."""

    added = ComparedVulnerabilitySerializer(many=True)
    gone = ComparedVulnerabilitySerializer(many=True)
    same = serializers.IntegerField()
    alike = serializers.BooleanField()


class ComparedLayersSerializer(serializers.Serializer[Any]):
    added = ArtifactLayerSerializer(many=True)
    gone = ArtifactLayerSerializer(many=True)
    same = serializers.IntegerField()


class ComparisonSerializer(serializers.Serializer[Comparison]):
    """What differs. Null is what cannot be said (not scanned), never "no difference"; `size`: bytes more, or fewer."""

    before = ComparedSideSerializer()
    after = ComparedSideSerializer()
    platform = serializers.CharField(allow_blank=True)
    platforms = serializers.ListField(child=serializers.CharField())
    packages = ComparedPackagesSerializer(allow_null=True)
    vulnerabilities = ComparedVulnerabilitiesSerializer(allow_null=True)
    layers = ComparedLayersSerializer(allow_null=True)
    size = serializers.IntegerField(allow_null=True)


COMPARES = extend_schema(
    parameters=[ComparisonQuerySerializer], responses=ComparisonSerializer, operation_id="registry_repositories_compare"
)
