"""Requests whose user is known to have signed in, input without surprises, and views that need the cache."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import IO, Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from pks_portal import text
from pks_portal.errors import Invalid, Unavailable
from tenants.models import User

View = Callable[..., HttpResponse]


class UserHttpRequest(HttpRequest):
    """What a login_required view receives."""

    user: User


class UserRequest(Request):
    """What an API view receives, since the API lets nobody in without signing in."""

    user: User


class StrictSerializer(serializers.Serializer[Any]):
    """Input of the API: a field that it does not know is refused, so that no misspelt wish is silently dropped."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated input; raises ValidationError naming each unknown field, else each wrong one."""
        if isinstance(data, Mapping) and (unknown := sorted(data.keys() - self.fields.keys())):
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return super().to_internal_value(data)


class SoundJSONParser(JSONParser):
    """JSON whose texts the database can keep."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the parsed body. Raises ParseError (no JSON, or nested beyond reason), Invalid."""
        try:
            data = super().parse(stream, media_type, parser_context)
            if text.impossible(data):
                raise Invalid("error.text_impossible")
        except RecursionError as error:
            raise ParseError from error
        return data


def needs_cache(view: View) -> View:
    """Make a view answer 503 while Redis, which counts failed sign-ins, is away: unlimited guessing would be worse."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except RedisError as error:
            raise Unavailable("error.sign_in_unavailable", system="redis", cause=type(error).__name__) from error

    return guarded


def page_of(request: HttpRequest) -> str:
    """Return the portal's page on which a form was (path and query), or the first page."""
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}):
        return "/"
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
