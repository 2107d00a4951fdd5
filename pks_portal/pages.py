"""Cursor paging of API lists: `{"items": […], "next": URL or null, "previous": …}` and a Link header."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class CursorPages(CursorPagination):
    """Fifty rows a page, at most 200; the order is fixed by each list."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-created_at"

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
