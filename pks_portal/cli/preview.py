"""What a change would do, before it is done: `--dry-run`."""

from collections.abc import Mapping
from typing import Any

from pks_portal.cli import show
from pks_portal.cli.failures import Refused
from pks_portal.cli.words import say


def show_preview(preview: Mapping[str, Any]) -> None:
    """Print the preview. Raises Refused if the change would be refused."""
    if show.mode.json:
        show.data(preview)
    else:
        _print(preview)
    if refusals := preview["refusals"]:
        detail = "\n".join([say("This would be refused:"), *(f"  {refusal['detail']}" for refusal in refusals)])
        advice = "\n".join(dict.fromkeys(refusal["next"] for refusal in refusals if refusal.get("next")))
        raise Refused(detail, advice, refusals[0])


def _print(preview: Mapping[str, Any]) -> None:
    show.line(say("Steps:"))
    for number, step in enumerate(preview["steps"], 1):
        show.line(f"  {number}. {step['text']}")
    show.line()
    if preview["quota"]:
        headers = [say("Quota"), say("Limit"), say("Used"), say("After")]
        rows = [
            [
                line["label"], say("unlimited") if line["limit"] is None else line["limit"],
                "?" if line["used"] is None else line["used"],
                f"{'?' if line['after'] is None else line['after']}{' !' if line['over'] else ''}",
            ]
            for line in preview["quota"]
        ]  # fmt: skip
        show.table(headers, rows)
        show.line()
    show.facts(
        [
            (say("Nodes added"), ", ".join(preview.get("nodes_added") or []) or None),
            (say("Nodes removed"), ", ".join(preview.get("nodes_removed") or []) or None),
            (say("Memory"), _memory(preview)),
            (say("Time"), _time(preview.get("seconds"))),
        ]
    )
    show.line(say("Nothing was changed."))


def _memory(preview: Mapping[str, Any]) -> str | None:
    needed, free = preview.get("memory_needed_gib"), preview.get("memory_free_gib")
    if needed is None:
        return None
    if free is None:
        return say("{needed} GiB needed", needed=needed)
    return say("{needed} GiB needed, {free} GiB free", needed=needed, free=free)


def _time(seconds: Mapping[str, float] | None) -> str | None:
    """Return what past tasks took; None without history."""
    if not seconds:
        return None
    median, p90 = show.seconds(seconds["median"]), show.seconds(seconds["p90"])
    return say("{median}, in nine of ten cases at most {p90}", median=median, p90=p90)
