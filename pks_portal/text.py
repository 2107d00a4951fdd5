"""Text that no database can keep: NUL characters and halves of surrogate pairs. It is refused at the door."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, QueryDict

IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")


def impossible(data: Any) -> bool:
    """Say whether a text is such, or one anywhere in plain data, keys among them."""
    if isinstance(data, str):
        return IMPOSSIBLE.search(data) is not None
    if isinstance(data, Mapping):
        return any(impossible(part) for item in data.items() for part in item)
    return isinstance(data, Sequence) and any(map(impossible, data))


def impossible_request(request: HttpRequest, *, form: bool) -> bool:
    """Say whether such text is in a request's path or query, or in its form if that is to be read.

    Raises what Django raises for those that it cannot read.
    """
    fields = [request.GET, *([request.POST] if form else [])]
    return impossible(request.path) or any(impossible(dict(one.lists())) for one in fields)


def legible(query: QueryDict) -> QueryDict:
    """Return a page's query with signs of replacement for such text: it finds nothing, as it must."""
    if not impossible(dict(query.lists())):
        return query
    found = QueryDict(mutable=True)
    for name, values in query.lists():
        found.setlist(_replaced(name), [_replaced(value) for value in values])
    return found


def _replaced(text: str) -> str:
    return IMPOSSIBLE.sub("\ufffd", text)
