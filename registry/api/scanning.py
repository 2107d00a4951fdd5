"""REST: scans, findings and SBOMs of artifacts; scanners and their databases; who carries a vulnerability."""

from typing import Any, ClassVar

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import Invalid, NotFound
from pks_portal.operations.api import TaskSerializer
from pks_portal.pages import CursorPages
from registry import attached, browsing, security
from registry.api.projects import SEVERITIES
from registry.attached import Form
from registry.models import Artifact, Finding, Scan
from registry.scanning import harbor, intake, rejudging, scans
from registry.severity import Severity
from tenants.access import require
from tenants.http import UserRequest


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """`score`: CVSS base score. `fixed_in` empty: no fixed version is known. `scanner`: who found it."""

    vulnerability = serializers.CharField(source="vulnerability_id")
    severity = serializers.SerializerMethodField()
    title = serializers.CharField(source="vulnerability.title")
    links = serializers.ListField(child=serializers.CharField(), source="vulnerability.links")
    scanner = serializers.CharField(source="scan.scanner")
    repository = serializers.CharField(source="scan.artifact.repository.__str__")
    digest = serializers.CharField(source="scan.artifact.digest")

    class Meta:
        model = Finding
        fields: ClassVar = [
            "id", "vulnerability", "severity", "score", "vector", "package", "version", "fixed_in", "status", "title",
            "links", "source", "scanner", "repository", "digest",
        ]  # fmt: skip

    @extend_schema_field({"type": "string", "enum": ["unknown", *SEVERITIES]})
    def get_severity(self, finding: Finding) -> str:
        return Severity(finding.severity).word


class ImageScanSerializer(serializers.ModelSerializer[Scan]):
    """What one scanner said last; `database_state`: ok, old, absent or broken when it judged."""

    error = serializers.CharField()
    database_sources = serializers.ListField(child=serializers.CharField())
    not_assessed = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Scan
        fields: ClassVar = [
            "scanner", "scanner_version", "state", "started_at", "ended_at", "database", "database_state",
            "database_updated_at", "database_records", "database_sources", "packages", "not_assessed", "error", "task",
            "log",
        ]  # fmt: skip


class ScannerDatabaseSerializer(serializers.Serializer[Any]):
    """The state of what a scanner judges by: ok, old (more than 7 days), absent, or broken with its cause."""

    name = serializers.CharField()
    state = serializers.CharField()
    updated_at = serializers.DateTimeField(allow_null=True)
    records = serializers.IntegerField(allow_null=True)
    sources = serializers.ListField(child=serializers.CharField())
    cause = serializers.CharField(allow_blank=True)


class ScannerDatabasesSerializer(serializers.Serializer[Any]):
    items = ScannerDatabaseSerializer(many=True)


class SecuritySummarySerializer(serializers.Serializer[Any]):
    """Counts over images; those of findings are null where no image has been judged, for nothing is known then."""

    images = serializers.IntegerField()
    scanned = serializers.IntegerField()
    unscanned = serializers.IntegerField()
    failed = serializers.IntegerField()
    partly = serializers.IntegerField(help_text="Images of which not all could be assessed.")
    critical = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)
    medium = serializers.IntegerField(allow_null=True)
    low = serializers.IntegerField(allow_null=True)
    negligible = serializers.IntegerField(allow_null=True)
    unknown = serializers.IntegerField(allow_null=True)
    fixable = serializers.IntegerField(allow_null=True)


class ScanTaskSerializer(serializers.Serializer[Any]):
    task = TaskSerializer()


class FindingPages(CursorPages):
    ordering = ("-severity", "id")  # type: ignore[assignment]


class Upload(BaseParser):
    """A file as it is, not read into memory at once."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return {"file": stream}


SEARCH = [
    OpenApiParameter("vulnerability", str, description="How its name begins: CVE-2024-."),
    OpenApiParameter("package", str, description="A part of the package's name."),
    OpenApiParameter("severity", str, enum=["unknown", *SEVERITIES]),
    OpenApiParameter("tenant", str, description="A tenant's slug."),
]


class ImageFindingsViewSet(GenericViewSet[Finding]):
    """What scanners found in one artifact."""

    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    pagination_class = FindingPages

    def _artifact(self, request: UserRequest, pk: Any) -> Artifact:
        if (artifact := browsing.artifacts(request.user).filter(pk=pk).first()) is None:
            raise NotFound("error.not_found")
        return artifact

    @extend_schema(parameters=SEARCH[:3], responses=FindingSerializer(many=True))
    def list(self, request: UserRequest, artifact: Any) -> Response:
        """List the findings, the worst first."""
        row = self._artifact(request, artifact)
        rows = security.findings(Artifact.objects.filter(pk=row.pk), **_wanted(request))
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(FindingSerializer(page, many=True).data)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def report(self, request: UserRequest, artifact: Any) -> Response:
        """Return all findings as Harbor's report, by its MIME type; empty until a scan has succeeded."""
        row = self._artifact(request, artifact)
        return Response(harbor.report(row, row.scans.all()))

    @extend_schema(responses=ImageScanSerializer(many=True))
    def scans(self, request: UserRequest, artifact: Any) -> Response:
        """Return what each scanner said last, by which database, with its log."""
        rows = list(self._artifact(request, artifact).scans.all())
        body = {"items": ImageScanSerializer(rows, many=True).data, "next": None, "previous": None}
        return Response(body)

    @extend_schema(request=None, responses={202: ScanTaskSerializer})
    def scan(self, request: UserRequest, artifact: Any) -> Response:
        """Ask for a scan."""
        return _started(scans.ask(request.user, self._artifact(request, artifact)))

    @extend_schema(
        parameters=[
            OpenApiParameter("form", str, enum=["cyclonedx", "spdx"]),
            OpenApiParameter("layer", str, description="Of an artifact that holds several SBOMs: this layer's digest."),
        ],
        responses={(200, media_type): OpenApiTypes.OBJECT for media_type in sorted(attached.GIVEN)},
    )
    def sbom(self, request: UserRequest, artifact: Any) -> HttpResponseBase:
        """Return what the image consists of, as CycloneDX or SPDX; of a pushed SBOM or attestation, its own text.

        That comes with its own media type, as it was pushed: an attestation's SBOM is the statement's predicate.
        """
        row = self._artifact(request, artifact)
        if row.kind in attached.HOLDERS:
            file = attached.file_of(row, request.query_params.get("layer", ""))
            return HttpResponse(file.content, content_type=file.media_type, headers=file.headers)
        form = request.query_params.get("form", "cyclonedx")
        document = intake.sbom_document(row, form)
        return JsonResponse(document, content_type=attached.JSON_TYPES[Form(form)])


class VulnerabilitySearchViewSet(GenericViewSet[Finding]):
    """Which images carry a vulnerability, over all that one may see."""

    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    pagination_class = FindingPages

    @extend_schema(parameters=SEARCH, responses=FindingSerializer(many=True))
    def list(self, request: UserRequest) -> Response:
        """List findings over all images, the worst first."""
        rows = security.findings(security.images(request.user, _tenant(request)), **_wanted(request))
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(FindingSerializer(page, many=True).data)

    @extend_schema(parameters=SEARCH[3:], responses=SecuritySummarySerializer)
    @action(detail=False)
    def summary(self, request: UserRequest) -> Response:
        """Return the counts over all images that one may see."""
        figures = security.summary(security.images(request.user, _tenant(request)))
        said = SecuritySummarySerializer(figures).data
        return Response(said if figures.scanned else {**said, **dict.fromkeys(security.COUNTED)})


class ScannersView(APIView):
    """By what scanners judge."""

    @extend_schema(responses=ScannerDatabasesSerializer, operation_id="registry_scanners_list")
    def get(self, request: UserRequest) -> Response:
        """Return the state of each scanner's database."""
        return Response(ScannerDatabasesSerializer({"items": scans.states()}).data)

    @extend_schema(request=None, responses={202: ScanTaskSerializer}, operation_id="registry_scanners_rejudge")
    def post(self, request: UserRequest) -> Response:
        """Judge all images anew, from what is known of them."""
        return _started(rejudging.ask(request.user))


class DatabaseView(APIView):
    """Where a vulnerability database is taken in."""

    parser_classes = (Upload,)

    @extend_schema(
        request={"application/octet-stream": {"type": "string", "format": "binary"}},
        responses=ScannerDatabaseSerializer,
        parameters=[OpenApiParameter("name", str, description="Of an OSV feed: what it is called.")],
    )
    def put(self, request: UserRequest, kind: str) -> Response:
        """Take in trivy's db.tar.gz (kind trivy-db), or a ZIP of OSV records (kind osv-feed)."""
        require(request.user, "scanner.manage", None)
        name = request.query_params.get("name", "")
        sent: Any = request.data
        state = intake.take_in(request.user, kind, sent.get("file"), name=name)
        return Response(ScannerDatabaseSerializer(state).data)


def _started(operation: Any) -> Response:
    headers = {"Location": f"/api/v1/tasks/{operation.pk}"}
    return Response(ScanTaskSerializer({"task": operation}).data, status=status.HTTP_202_ACCEPTED, headers=headers)


def _tenant(request: UserRequest) -> str:
    return request.query_params.get("tenant", "")[:40]


def _wanted(request: UserRequest) -> dict[str, Any]:
    query = request.query_params
    word = query.get("severity", "")
    if word and word not in {"unknown", *SEVERITIES}:
        raise Invalid("error.severity_wrong", field="severity", value=word[:40])
    wanted = {name: query.get(name, "")[:200] for name in ("vulnerability", "package")}
    return {**wanted, "severity": Severity.read(word) if word else None}
