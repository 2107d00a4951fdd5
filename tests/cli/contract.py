"""Whether what the fake portal answers could be an answer of the real one: its OpenAPI document says.

A fake may leave out what no command reads; what it says must be of the right kind.
"""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from pks_portal.schema import schema

LEFT_OUT = {"nullable", "format", "pattern", "required"}


def complaints(method: str, path: str, status: int, content: Any) -> list[str]:
    """Return what in an answer the contract does not allow; nothing for what it does not describe."""
    for pattern, item in _calls():
        if pattern.fullmatch(path) and method.lower() in item:
            said = item[method.lower()]["responses"].get(str(status), {}).get("content", {}).get("application/json")
            found = _validator(said["schema"]).iter_errors(content) if said and not isinstance(content, str) else ()
            return [f"{method} {path}: {error.json_path}: {error.message}" for error in found]
    return []


def _validator(said: Any) -> Draft202012Validator:
    return Draft202012Validator({**said, "components": _components()})


@cache
def _components() -> Any:
    return _plain(schema()["components"])


@cache
def _calls() -> list[tuple[re.Pattern[str], Any]]:
    """Return the calls, those first whose path is fixed."""
    paths: dict[str, Any] = schema()["paths"]
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), _plain(item))
        for path, item in sorted(paths.items(), key=lambda one: one[0].count("{"))
    ]


def _plain(said: Any) -> Any:
    """Return OpenAPI 3.0 as JSON Schema (2020-12), for which `nullable` is one type more."""
    if isinstance(said, list):
        return [_plain(one) for one in said]
    if not isinstance(said, dict):
        return said
    plain = {key: _plain(value) for key, value in said.items() if key not in LEFT_OUT or isinstance(value, dict)}
    return {"anyOf": [plain, {"type": "null"}]} if said.get("nullable") is True else plain
