"""Logs: one line of JSON each for files and collectors, words and colours for a person's terminal.

Whatever logs (Django, Celery, uvicorn, we) goes through one formatter. What is bound to the context (`request_id`,
`operation_id`) stands in each line; tokens and passwords in addresses never do.
"""

import json
import re
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import Processor

SECRETS: Final = re.compile(r"(?P<token>pks_[0-9a-f]{32}_)[\w-]+|(?P<address>://[^\s/:@]*:)[^\s/@]+(?=@)")
QUIET: Final = ("httpx", "celery.worker.strategy", "celery.app.trace", "celery.beat")
HANDLED: Final = ("uvicorn", "uvicorn.error")
"""Loggers that come with handlers of their own; ours is enough."""
SILENT: Final = "uvicorn.access"
"""Off: each request would be a line, and to configure a logger turns on again what its command line turned off."""
PLACE: Final = ("timestamp", "level", "logger", "event", "exception")
"""What stands in every line, apart from what is bound to the context."""


def configuration(level: str, *, human: bool) -> dict[str, Any]:
    """Return the configuration of Python's logging: everything to standard error, as JSON or for a `human`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
                "processors": _last(human=human),
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            **{name: {"level": "WARNING"} for name in QUIET},
            **{name: {"handlers": [], "propagate": True} for name in HANDLED},
            SILENT: {"handlers": [], "propagate": False},
        },
    }


def _last(*, human: bool) -> list[Processor]:
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # the plain traceback: a richer one shows the values of variables, and with them secrets
        structlog.processors.format_exc_info,
        scrubbed,
        plain if human else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def scrubbed(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take tokens and passwords out of a line's texts."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = SECRETS.sub(_starred, value)
    return line


def _starred(found: re.Match[str]) -> str:
    return f"{found['token'] or found['address']}***"


def readable(line: str) -> str:
    """Return a line of JSON as a person reads it; what is not one of ours is returned as it is."""
    try:
        said = json.loads(line)
        begin = (
            f"{said['timestamp'][:19].replace('T', ' ')} {said['level'].upper():<8}{said['logger']}: {said['event']}"
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return line.rstrip("\n")
    bound = "".join(f" {name}={value}" for name, value in said.items() if name not in PLACE)
    return "\n".join(filter(None, [begin + bound, said.get("exception")]))
