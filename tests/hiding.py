"""For the marker test: where secrets are taken in and kept, and everything that could give one away."""

import ast
import base64
import importlib
import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery.signals import before_task_publish
from channels.layers import get_channel_layer
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from rest_framework import serializers

from pks_portal import logs
from pks_portal.operations.models import Operation
from pks_portal.operations.watching import news
from pks_portal.sealed import SealedField

SECRETISH = re.compile(
    r"password|passphrase|secret|token|seed|credential|key_pem$|private|otp|^code$|_key$", re.IGNORECASE
)
"""Names of inputs that may hold a secret. (`key` is the name of a form, by which it is done once only.)"""
OURS = ("tenants", "clusters", "pks_portal")
TAKES = re.compile(r"(POST|GET|data|query_params|validated_data|cleaned_data)$")


def sealed_columns() -> set[str]:
    """Return every column that holds a sealed secret, as "app.model.field"."""
    return {
        f"{model._meta.label_lower}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.get_fields()
        if isinstance(column, SealedField)
    }


def secret_inputs() -> set[str]:
    """Return the name of every input that may hold a secret: of forms, of serializers, read in views by name."""
    importlib.import_module("allauth.account.forms")
    importlib.import_module(settings.ROOT_URLCONF)  # and with it every view
    return {name for name in {*_form_fields(), *_serializer_fields(), *_read_by_name()} if name}


def _form_fields() -> Iterator[str]:
    for form in _below(forms.BaseForm):
        for name, part in getattr(form, "base_fields", {}).items():
            if SECRETISH.search(name) or isinstance(part.widget, forms.PasswordInput):
                yield name


def _serializer_fields() -> Iterator[str]:
    for serializer in _below(serializers.BaseSerializer):
        if serializer.__module__.startswith(OURS):
            for name, part in getattr(serializer, "_declared_fields", {}).items():
                if not part.read_only and (part.write_only or SECRETISH.search(name)):
                    yield name


def _read_by_name() -> Iterator[str]:
    """Return names that views take out of a request themselves: request.POST["password"], .get("token")."""
    for file in (path for app in OURS for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py"))):
        if "/cli/" in str(file):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = _name_taken(node)
            if name and SECRETISH.search(name):
                yield name


def _name_taken(node: ast.AST) -> str | None:
    if isinstance(node, ast.Subscript) and TAKES.search(ast.unparse(node.value)):
        return _constant(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args and node.func.attr == "get":
        return _constant(node.args[0]) if TAKES.search(ast.unparse(node.func.value)) else None
    return None


def _constant(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _below(base: type) -> Iterator[Any]:
    kind: Any
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def password_forms_that_leave_in_the_address() -> list[str]:
    """Return the templates with a password in a form that is not sent by POST."""
    found = []
    for file in sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html")):
        in_it = re.findall(r"<form\b.*?</form>", file.read_text(encoding="utf-8"), re.DOTALL)
        asking = [form for form in in_it if 'type="password"' in form]
        found += [str(file) for form in asking if not re.search(r'<form[^>]*method="post"', form)]
    return found


@dataclass
class Nets:
    """What was caught: log lines as the product writes, messages to workers and sockets, answers with addresses."""

    log: io.StringIO = field(default_factory=io.StringIO)
    messages: list[str] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, what: str, answer: Any) -> str:
        """Keep an answer, its headers with it; return its body."""
        body = bytes(answer.getvalue()).decode(errors="replace")
        self.answers.append((what, f"{dict(answer.headers)} {answer.cookies.output()} {body}"))
        return body

    def places(self, data: Path) -> Iterator[tuple[str, str]]:
        """Return everything in which a secret could lie open: (where, text)."""
        yield "the log", self.log.getvalue()
        yield from (("a message to workers or sockets", text) for text in self.messages)
        yield from ((f"the answer to {what}", text) for what, text in self.answers)
        yield from dump()
        yield from told()
        yield "the cache", repr(getattr(cache, "_cache", ""))
        yield from ((f"a session of {row.pk[:4]}…", repr(row.get_decoded())) for row in Session.objects.all())
        yield from ((str(file), file.read_bytes().decode("latin-1")) for file in data.rglob("*") if file.is_file())


def told() -> Iterator[tuple[str, str]]:
    """Return what a socket, or the stream, says of each task to who follows it from its beginning."""
    for pk in Operation.objects.values_list("pk", flat=True):
        said = news(pk, 0, "en")
        yield f"what is told of task {pk}", said.html if said else ""


def dump() -> Iterator[tuple[str, str]]:
    """Return every table of the database as text, as a thief of the database would read it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield f"table {table}", repr(cursor.fetchall())


def seen_in(text: str, secret: str) -> bool:
    """Say whether a secret is in a text, as it is or in base64 at any of the three offsets."""
    if secret in text:
        return True
    raw = secret.encode()
    parts = [base64.b64encode(b"x" * shift + raw)[4 if shift else 0 : -4].decode() for shift in (0, 1, 2)]
    return any(part in text for part in parts if len(part) > 8)


@contextmanager
def nets_out() -> Iterator[Nets]:
    """Catch what is logged and sent to workers and sockets while this is open."""
    nets = Nets()
    handler = logging.StreamHandler(nets.log)
    made = logs.configuration("INFO", human=False)["formatters"]["line"]
    handler.setFormatter(made["()"](**{name: value for name, value in made.items() if name != "()"}))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)

    def caught(sender: Any = None, body: Any = None, headers: Any = None, **more: Any) -> None:
        nets.messages.append(f"{sender} {body!r} {headers!r}")

    layer: Any = get_channel_layer()
    send = layer.group_send

    async def heard(group: str, message: dict[str, Any]) -> None:
        nets.messages.append(f"{group} {message!r}")
        await send(group, message)

    before_task_publish.connect(caught)
    layer.group_send = heard
    try:
        yield nets
    finally:
        layer.group_send = send
        before_task_publish.disconnect(caught)
        root.setLevel(before)
        root.removeHandler(handler)
