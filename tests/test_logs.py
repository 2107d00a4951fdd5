"""Logs: JSON with the request's or the task's id, no secret in any line, words for people."""

import io
import json
import logging
import uuid
from contextlib import contextmanager

import pytest
from django.test import Client
from structlog.contextvars import bound_contextvars

from pks_portal import logs
from pks_portal.operations import runner
from pks_portal.operations.kinds import KINDS
from tests.clusters.test_job import wish_of

TOKEN = f"pks_{uuid.uuid4().hex}_MarkerMarkerMarker"


@contextmanager
def listening(*, human):
    """Yield the stream into which a handler of the shipped configuration writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    settings = logs.configuration("INFO", human=human)["formatters"]["line"]
    handler.setFormatter(
        settings["()"](processors=settings["processors"], foreign_pre_chain=settings["foreign_pre_chain"])
    )
    logging.getLogger().addHandler(handler)
    try:
        yield stream
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.fixture
def written():
    """Return a function that tells what was written as JSON."""
    with listening(human=False) as stream:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("human", [False, True])
def test_a_traceback_gives_no_secret_away(human):
    with listening(human=human) as stream:
        try:
            int(f"redis://:MarkerMarker@host {TOKEN}")
        except ValueError:
            logging.getLogger("clusters").exception("that failed")
    assert "ValueError" in stream.getvalue()
    assert "Marker" not in stream.getvalue()


def test_a_line_is_json_with_what_is_bound(written):
    with bound_contextvars(operation_id="1"):
        logging.getLogger("clusters").warning("“%s” 没有", "x")
    [line] = written()
    assert (line["event"], line["level"], line["logger"], line["operation_id"]) == (
        "“x” 没有", "warning", "clusters", "1",
    )  # fmt: skip


@pytest.mark.parametrize("given", ["req-12345678", "short", "x" * 41, "a b c d e f g h", "ümlaut-1234"])
def test_a_request_is_numbered_and_its_refusal_is_logged_so(db, written, given):
    answer = Client(headers={"x-request-id": given}).get("/nowhere")
    number = answer["X-Request-ID"]
    assert (number == given) is (given == "req-12345678")
    assert {line["request_id"] for line in written() if line["logger"] == "django.request"} == {number}


def test_a_workers_lines_have_the_tasks_id(api, operator, written, monkeypatch):
    task = api.post("/api/v1/clusters", wish_of(operator), format="json").json()["task"]["id"]

    def turn(operation):
        logging.getLogger("clusters").warning("here")
        raise RuntimeError(TOKEN)

    monkeypatch.setitem(KINDS, "cluster.create", KINDS["cluster.create"].__class__(turn=turn))
    runner.run(task)
    lines = [line for line in written() if line.get("operation_id")]
    assert [line["event"].split()[0] for line in lines] == ["here", "Operation"]
    assert {line["operation_id"] for line in lines} == {task}
    assert "RuntimeError" in lines[1]["exception"]
    assert "Marker" not in json.dumps(lines)


def test_no_secret_is_written(written):
    log = logging.getLogger("x")
    log.warning("Bearer %s at redis://:Marker@127.0.0.1:1/0, ldap://me:Marker@host", TOKEN)
    password = "Marker-of-a-local-variable"
    try:
        int(TOKEN + password[:0])
    except ValueError:
        log.exception("it failed")
    assert "Marker" not in json.dumps(written())
    assert password


def test_a_person_reads_words():
    line = '{"timestamp": "2026-01-02T03:04:05.678Z", "level": "info", "logger": "x", "event": "so", "request_id": "r"}'
    assert logs.readable(line + "\n") == "2026-01-02 03:04:05 INFO    x: so request_id=r"
    assert logs.readable("==> web.log <==\n") == "==> web.log <=="
    assert logs.readable("[1]\n") == "[1]"
