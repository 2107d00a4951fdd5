"""The API's description (OpenAPI) and documentation pages made from it."""

from collections import defaultdict
from functools import lru_cache
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "patch", "put", "delete")


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the OpenAPI document; it is the same for everybody and for the life of the process."""
    generator = SchemaGenerator(api_version="v1")  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@login_required
def reference(request: HttpRequest) -> HttpResponse:
    """Show every call of the API, by what it is about, with its input, answers and an example for curl."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, item in schema()["paths"].items():
        for method in METHODS:
            if method in item:
                groups[path.removeprefix("/api/v1/").split("/")[0]].append(_call(path, method, item[method]))
    base = request.build_absolute_uri("/").rstrip("/")
    return render(request, "api.html", {"groups": sorted(groups.items()), "base": base})


def _call(path: str, method: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return one call as the page shows it."""
    body = spec.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = [
        {"status": status, "fields": _fields(_content(answer))} for status, answer in spec.get("responses", {}).items()
    ]
    return {
        "id": spec["operationId"],
        "method": method.upper(),
        "path": path,
        "about": spec.get("description", ""),
        "parameters": spec.get("parameters", []),
        "body": _fields(body) if body else [],
        "answers": answers,
    }


def _content(answer: dict[str, Any]) -> dict[str, Any] | None:
    schemas = [media.get("schema") for media in answer.get("content", {}).values()]
    return schemas[0] if schemas else None


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into components."""
    while reference_ := part.get("$ref"):
        part = schema()["components"]["schemas"][reference_.rsplit("/", 1)[1]]
    return part


def _fields(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the fields of an object (of a list: of its rows) as name, type, whether it is needed, and about."""
    if part is None:
        return []
    part = _resolved(part)
    if part.get("type") == "array":
        return _fields(part.get("items"))
    needed = part.get("required", [])
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in needed,
            "about": _resolved(field).get("description", ""),
        }
        for name, field in part.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    """Return a field's type in one short word or two."""
    if reference_ := field.get("$ref"):
        return str(reference_.rsplit("/", 1)[1])
    for key in ("allOf", "oneOf", "anyOf"):
        if key in field:
            return " | ".join(_type(option) for option in field[key])
    kind = field.get("type", "any")
    if kind == "array":
        return f"[{_type(field.get('items', {}))}]"
    kind = " | ".join(kind) if isinstance(kind, list) else kind
    return f"{kind} ({field['format']})" if "format" in field else str(kind)
