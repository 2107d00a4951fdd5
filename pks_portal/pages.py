"""API lists: cursor paging, `{"items": […], "next": URL or null, "previous": …}` with a Link header; and filters."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from pks_portal.errors import Invalid
from pks_portal.text import impossible

PAGING = {"cursor", "limit"}


class CursorPages(CursorPagination):
    """Fifty rows a page, at most 200; the order is fixed by each list."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-created_at"

    def get_page_size(self, request: Request) -> int:
        """Return `?limit=`, cut to what is allowed. Raises Invalid when it is not a number from 1."""
        text = request.query_params.get("limit", str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):  # noqa: PLR2004
            raise Invalid("error.number_wrong", field="limit", value=text[:40])
        return min(int(text), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return where the page begins. Raises Invalid for a cursor that no list gave."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise Invalid("error.cursor_wrong", field="cursor") from None
        if cursor and impossible(cursor.position or ""):
            raise Invalid("error.cursor_wrong", field="cursor")
        return cursor

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the page's rows. Raises Invalid for a cursor whose position is none in this list."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError) as error:
            raise Invalid("error.cursor_wrong", field="cursor") from error

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows with links in the body and in the Link header (RFC 8288)."""
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        header = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
        body = {"items": data, "next": links["next"], "previous": links["prev"]}
        return Response(body, headers={"Link": header} if header else None)

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe the page in OpenAPI."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["items", "next", "previous"],
            "properties": {"items": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe `?cursor=` and `?limit=` in OpenAPI."""
        limit = {"type": "integer", "minimum": 1, "default": self.page_size}
        about = f"Rows a page; more than {self.max_page_size} count as {self.max_page_size}."
        cursor = {
            "name": "cursor",
            "in": "query",
            "schema": {"type": "string"},
            "description": "From next or previous.",
        }
        return [cursor, {"name": "limit", "in": "query", "schema": limit, "description": about}]


class ListFilters(filters.DjangoFilterBackend):  # type: ignore[misc]
    """What a viewset's `filterset_class` offers narrows its list, and nothing else: a thing is there or not."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> "QuerySet[Any]":
        """Return the rows asked for. Raises ValidationError that names the filter which is wrong."""
        if view.action != "list" or not (offered := getattr(view, "filterset_class", None)):
            return queryset
        query = request.query_params
        if strange := sorted(query.keys() - offered.base_filters.keys() - PAGING):
            raise ValidationError({name: [_("There is no such filter.")] for name in strange})
        if empty := [name for name in offered.base_filters if name in query and "" in query[name].split(",")]:
            # a script whose variable is empty must not take all rows for those that it wanted
            raise ValidationError({name: [_("This field may not be blank.")] for name in empty})
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return rows


class YesNo(filters.TypedChoiceFilter):  # type: ignore[misc]
    """True or false; anything else is refused, where a BooleanFilter would take it for not asked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=choices, coerce=lambda text: text == "true", **kwargs)


class AnyOf(filters.BaseInFilter, filters.ChoiceFilter):  # type: ignore[misc]
    """One or more of the choices, separated by commas."""
