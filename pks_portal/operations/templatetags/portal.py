"""The small pieces that every page is made of: icons, status chips, times, durations, meters."""

import re
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pks_portal import messages
from tenants.access import Decision
from tenants.audit import wording
from tenants.models import QuotaRequest

register = template.Library()

HIGH, MIDDLING = 95, 85
LOOKS = {  # status → (tone, icon); the same word looks the same for clusters and for tasks
    "running": ("ok", "circle-check"),
    "succeeded": ("ok", "circle-check"),
    "creating": ("busy", "loader-circle"),
    "changing": ("busy", "loader-circle"),
    "deleting": ("", "loader-circle"),
    "cancelling": ("warn", "loader-circle"),
    "degraded": ("warn", "triangle-alert"),
    "waiting": ("warn", "circle-pause"),
    "held": ("", "circle-pause"),
    "queued": ("", "circle-dashed"),
    "failed": ("bad", "circle-x"),
    "cancelled": ("", "circle-slash"),
    "pending": ("warn", "clock"),
    "open": ("warn", "clock"),
    "approved": ("ok", "circle-check"),
    "rejected": ("bad", "circle-x"),
    "withdrawn": ("", "circle-slash"),
    "lapsed": ("", "circle-slash"),
}


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """Return an icon of the sprite; it is decoration, the words beside it say the same."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f"i {classes}".strip(),
        static("vendor/icons.svg"),
        name,
    )


@register.simple_tag
def chip(subject: Any) -> SafeString:
    """Return the status chip of a cluster or a task: always a word beside the icon, never colour alone."""
    tone, name = LOOKS.get(subject.status, ("", "circle-dashed"))
    word = subject.get_status_display()
    if getattr(subject, "blocked", False):
        (tone, name), word = LOOKS["waiting"], subject.status_label
    elif subject.status == "running" and hasattr(subject, "subject_type"):
        # a cluster that runs is well; a task that runs is at work
        (tone, name), word = LOOKS["changing"], _("In progress")
    turning = "spin" if name == "loader-circle" else ""
    return format_html('<span class="{}">{}{}</span>', f"chip {tone}".strip(), icon(name, turning), word)


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """Return how long ago, or how far ahead, a moment is; the page keeps it true and shows the exact time on hover."""
    if moment is None:
        return "–"
    seconds = (timezone.now() - moment).total_seconds()
    return format_html(
        '<time datetime="{}" data-ago title="{}">{}</time>',
        moment.isoformat(),
        timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z"),
        _distance(seconds, moment),
    )


def words() -> dict[str, Any]:
    """Return the texts with which the page itself keeps relative times true; %s is the number."""
    return {
        "now": _("just now"),
        "ago": {"s": _("%s s ago"), "m": _("%s min ago"), "h": _("%s h ago"), "d": _("%s d ago")},
        "ahead": {"s": _("in %s s"), "m": _("in %s min"), "h": _("in %s h"), "d": _("in %s d")},
    }


UNITS = [(60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h"), (30 * 86400, 86400, "d")]
INSTANT = 5


def _distance(seconds: float, moment: datetime) -> str:
    size, past = abs(seconds), seconds > 0
    if size < INSTANT:
        return _("just now")
    for limit, divisor, unit in UNITS:
        count = int(size // divisor) if past else round(size / divisor)  # 8 hours ahead are not 7 a second later
        if count * divisor < limit:
            return str(words()["ago" if past else "ahead"][unit]) % count
    return timezone.localtime(moment).strftime("%Y-%m-%d")


@register.filter
def clock(seconds: float | None) -> str:
    """Return a duration in seconds as 00:42 or 1:02:03."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


@register.filter
def roughly(seconds: float) -> str:
    """Return a duration in seconds in words that promise no more than is known."""
    if seconds < 90:  # noqa: PLR2004 - below that seconds say more than minutes
        whole = max(1, round(seconds))
        return ngettext("%(count)s second", "%(count)s seconds", whole) % {"count": whole}
    whole = round(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", whole) % {"count": whole}


@register.simple_tag
def took(task: Any) -> SafeString | str:
    """Return how long a task or a step has taken; a running one goes on counting in the page."""
    if task.started_at is None:
        return ""
    end = task.ended_at or timezone.now()
    text = clock((end - task.started_at).total_seconds())
    if task.ended_at:
        return format_html('<span class="took">{}</span>', text)
    return format_html('<time datetime="{}" data-since>{}</time>', task.started_at.isoformat(), text)


@register.filter
def level(percent: float) -> str:
    """Return the class of a meter: high from 95 %, middling from 85 %."""
    if percent >= HIGH:
        return "hi"
    return "mid" if percent >= MIDDLING else ""


@register.filter
def fullness(line: Any) -> str:
    """Return the class of a quota's meter: all of it may be used, so only more than that is bad."""
    if line.limit is None or line.used is None:
        return ""
    if line.after > line.limit:
        return "hi"
    return "mid" if line.percent_after >= MIDDLING else ""


@register.filter
def limit(amount: int | None) -> str:
    """Return a limit of a quota; that there is none is a word of its own."""
    return _("unlimited") if amount is None else str(amount)


@register.simple_tag
def usage(used: float | None, of: float | None) -> SafeString:
    """Return a meter of `used` out of `of`, for example requested ÷ allocatable; a dash where there is nothing yet."""
    if used is None or not of:
        return format_html('<span class="s">{}</span>', "–")
    percent = min(100, round(100 * used / of))
    return format_html(
        '<span class="meter"><progress class="{}" max="100" value="{}" aria-hidden="true"></progress><b>{}%</b></span>',
        level(percent) or "lo",
        percent,
        percent,
    )


@register.simple_tag
def unless_allowed(decision: Decision) -> SafeString | str:
    """Return the attributes of a button that one may not press: disabled, with the reason; nothing otherwise."""
    return "" if decision else format_html('disabled title="{}"', decision.reason)


@register.filter
def said(stored: dict[str, Any]) -> str:
    """Return a stored text ({"key", "args"}) in the active language."""
    return messages.render(stored["key"], stored["args"])


@register.filter
def step_label(name: str) -> str:
    """Return a step's text in the active language."""
    return messages.render(f"step.{name}", {})


@register.filter
def part_label(name: str) -> str:
    """Return the words for a part of a cluster; one without words is shown as it is."""
    return messages.render(f"condition.{name}", {}) if f"condition.{name}" in messages.CATALOGUE else name


@register.filter
def deed(action: str) -> str:
    """Return the words for an action of the audit trail; one without words is shown as it is."""
    return wording.deed(action)


@register.filter
def door(via: str) -> str:
    """Return the words for where a deed came from; one without words is shown as it is."""
    return {"page": _("web page"), "api": "API", "worker": _("the portal"), "cli": "pks", "console": _("console")}.get(
        via, via
    )


BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "HeadlessChrome": "Chrome", "Chrome": "Chrome"}
SYSTEMS = {"Android": "Android", "iPhone": "iOS", "iPad": "iPadOS", "Windows": "Windows", "Mac OS": "macOS"}


@register.filter
def browser(agent: str) -> str:
    """Return a User-Agent in words people know ("Chrome 156 · Linux"); an unknown one as it is, shortened."""
    agent = agent.replace("Version/", "Safari/") if "Safari/" in agent and "Chrome/" not in agent else agent
    known = ((label, re.search(rf"{word}/(\d+)", agent)) for word, label in [*BROWSERS.items(), ("Safari", "Safari")])
    name = next((f"{label} {found[1]}" for label, found in known if found), "")
    system = next((label for word, label in SYSTEMS.items() if word in agent), "Linux" if "Linux" in agent else "")
    return " · ".join(filter(None, [name, system])) if name else Truncator(agent).chars(60)


@register.filter
def initial(name: str) -> str:
    """Return the letter or character that stands for a name in a tile."""
    return name[:1].upper()


@register.filter
def figure(value: float | None) -> str:
    """Return a number without needless decimals: 4, 1.5; a dash where it is not known."""
    return "–" if value is None else f"{value:.1f}".rstrip("0").rstrip(".")


@register.filter
def quota_request(task: Any) -> QuotaRequest | None:
    """Return the request that a task waits, or waited, for."""
    return QuotaRequest.objects.filter(wish=task.pk).first()


@register.simple_tag
def doing(task: Any) -> str:
    """Return what a task is at: what it waits for, its present step with its place, or why it failed."""
    if task.error_key:
        return str(task.error)
    if task.waiting_key:
        return str(task.waiting_for)
    steps = list(task.steps.all())
    for place, step in enumerate(steps, start=1):
        if step.state == "running":
            place_in = _("step %(place)s of %(all)s") % {"place": place, "all": len(steps)}
            return f"{step.label} · {place_in}"
    return ""


@register.filter
def kind_label(kind: str) -> str:
    """Return the words for a kind of task; one without words is shown as it is."""
    return messages.render(f"kind.{kind}", {}) if f"kind.{kind}" in messages.CATALOGUE else kind


@register.filter
def moment(text: str | None) -> datetime | None:
    """Return the moment that an ISO 8601 text names."""
    return datetime.fromisoformat(text) if text else None


@register.filter
def hours_label(hours: int) -> str:
    """Return a number of hours in words, whole days as days."""
    if hours % 24:
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return ngettext("%(count)s day", "%(count)s days", hours // 24) % {"count": hours // 24}
