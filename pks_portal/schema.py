"""The API's description (OpenAPI) and documentation pages made from it."""

from collections import defaultdict
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from pks_portal.errors import PROBLEM

METHODS = ("get", "post", "patch", "put", "delete")
WRITING = frozenset(METHODS) - {"get"}
WORD = {"type": "string"}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[!-~]+$"},
    "description": "The same request again within a day is answered the same again, and carried out once.",
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A refusal or failure (RFC 9457); the facts that its text names are beside it as fields too.",
    "required": ["type", "title", "status", "code", "detail", "next"],
    "properties": {
        "type": {**WORD, "format": "uri", "description": "urn:pks-portal: and the code"},
        "title": {**WORD, "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "code": {**WORD, "description": "A stable word for programs."},
        "detail": {**WORD, "description": "What happened, in the language asked for."},
        "next": {**WORD, "description": "What to do about it."},
        "field": {**WORD, "description": "The input that is wrong."},
        "errors": {"type": "object", "description": "Everything that is wrong, by field."},
        "system": {**WORD, "description": "The outside system that failed."},
        "cause": {**WORD, "description": "That system's own words."},
        "link": {**WORD, "description": "Where to look."},
    },
    "additionalProperties": True,
}


def declare_refusals(result: dict[str, Any], **_unused: Any) -> dict[str, Any]:
    """Add to every call the refusals that it may be answered with, and close its input (a hook of drf-spectacular)."""
    result["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
    for path, item in result["paths"].items():
        for method in METHODS:
            if method in item:
                _close_input(result, item[method])
                if method in WRITING:
                    item[method].setdefault("parameters", []).append(dict(KEY))
                for status in _refusals(path, method, item[method]):
                    item[method]["responses"].setdefault(str(int(status)), _refusal(status))
    return result


def _close_input(result: dict[str, Any], call: dict[str, Any]) -> None:
    """Say of what a call takes that there are no other fields (see StrictSerializer)."""
    for media in call.get("requestBody", {}).get("content", {}).values():
        if reference := media["schema"].get("$ref"):  # not of a file that is sent as it is
            result["components"]["schemas"][reference.rsplit("/", 1)[1]]["additionalProperties"] = False


def _refusals(path: str, method: str, call: dict[str, Any]) -> list[HTTPStatus]:
    asked = "requestBody" in call or any(part["in"] != "path" for part in call.get("parameters", []))
    can_be = {
        HTTPStatus.BAD_REQUEST: asked,
        HTTPStatus.UNAUTHORIZED: True,
        HTTPStatus.FORBIDDEN: True,
        HTTPStatus.NOT_FOUND: "{" in path,
        HTTPStatus.CONFLICT: method in WRITING,
        HTTPStatus.UNPROCESSABLE_ENTITY: method in WRITING,
        HTTPStatus.TOO_MANY_REQUESTS: True,
        HTTPStatus.SERVICE_UNAVAILABLE: method in WRITING,
    }
    return [status for status, possible in can_be.items() if possible]


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": status.phrase, "content": content}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the OpenAPI document; it is the same for everybody and for the life of the process."""
    generator = SchemaGenerator(api_version="v1")  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@login_required
@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show every call of the API, by what it is about, with its input, answers and an example for curl."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, item in schema()["paths"].items():
        for method in METHODS:
            if method in item:
                groups[path.removeprefix("/api/v1/").split("/")[0]].append(_call(path, method, item[method]))
    base = request.build_absolute_uri("/").rstrip("/")
    context = {"groups": sorted(groups.items()), "base": base, "problem": _fields(PROBLEM_SCHEMA), "code": _code(base)}
    return render(request, "api.html", context)


def _code(base: str) -> dict[str, str]:
    """Return what to type in a shell: to sign in, then to call; the password goes to no command line."""
    read = "import json, sys; print(json.load(sys.stdin)['access_token'])"
    return {
        "sign_in": (
            "read -rsp 'Password: ' PASSWORD\n"
            f'export PKS_TOKEN=$(printf %s "$PASSWORD" | curl -sS {base}/oauth/token \\\n'
            "  -d client_id=pks_cli -d grant_type=password -d username=li.na --data-urlencode password@- \\\n"
            f'  | python3 -c "{read}")'
        ),
        "call": f'curl -H "Authorization: Bearer $PKS_TOKEN" {base}/api/v1/clusters',
    }


def _call(path: str, method: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return one call as the page shows it."""
    body = spec.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    responses = {status: answer.get("content", {}) for status, answer in spec.get("responses", {}).items()}
    answers = [{"status": status, "fields": _fields(_content(content))}
               for status, content in responses.items() if PROBLEM not in content]  # fmt: skip
    return {
        "id": spec["operationId"],
        "method": method.upper(),
        "path": path,
        "about": spec.get("description", ""),
        "parameters": spec.get("parameters", []),
        "body": _fields(body) if body else [],
        "answers": answers,
        "refusals": sorted(status for status, content in responses.items() if PROBLEM in content),
    }


def _content(content: dict[str, Any]) -> dict[str, Any] | None:
    schemas = [media.get("schema") for media in content.values()]
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
    if options := part.get("oneOf"):
        return [field for option in options for field in _fields(option)]
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
