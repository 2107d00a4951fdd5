"""The small pieces of the registry's pages: severities, what a scan found, whether something is signed."""

from typing import Any, Final

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pks_portal.operations.templatetags.portal import icon
from registry.models import Artifact
from registry.severity import Severity

register = template.Library()

MOST_NAMES: Final = 6
SHOWN: Final = ("critical", "high", "medium", "low", "negligible", "unknown")
STATES: Final = {
    Artifact.ScanState.QUEUED: ("", "circle-dashed"),
    Artifact.ScanState.RUNNING: ("busy", "loader-circle"),
    Artifact.ScanState.ERROR: ("bad", "circle-alert"),
    Artifact.ScanState.STOPPED: ("", "circle-slash"),
    Artifact.ScanState.UNSUPPORTED: ("", "minus"),
    Artifact.ScanState.NONE: ("", "circle-dashed"),
}
SIGNED: Final = {
    Artifact.Signed.YES: ("ok", "shield-check"),
    Artifact.Signed.INHERITED: ("ok", "shield-check"),
    Artifact.Signed.UNTRUSTED: ("warn", "shield-alert"),
}


@register.filter
def severity_label(level: int) -> str:
    """Return the word for a severity."""
    return str(Severity(level).label)


@register.simple_tag
def severity(level: int | None) -> SafeString | str:
    """Return a severity as it is shown: a colour and its word."""
    if level is None:
        return "–"
    found = Severity(level)
    return format_html('<span class="sev {}">{}</span>', found.word, found.label)


@register.simple_tag
def scan_cell(artifact: Artifact) -> SafeString:
    """Return what is known of an artifact's vulnerabilities, in a cell."""
    if artifact.kind == Artifact.Kind.INDEX:
        return format_html('<span class="s">{}</span>', _("see its images"))
    if artifact.scan_state != Artifact.ScanState.SUCCESS:
        tone, name = STATES[Artifact.ScanState(artifact.scan_state)]
        turning = "spin" if name == "loader-circle" else ""
        word = artifact.get_scan_state_display()
        return format_html('<span class="{}">{}{}</span>', f"chip {tone}".strip(), icon(name, turning), word)
    return found_cell(artifact)


def found_cell(artifact: Artifact) -> SafeString:
    """Return the worst severity with the number of findings; that some packages are not assessed is said."""
    more = format_html(' <span class="tag warn">{}</span>', _("not all assessed")) if artifact.not_assessed else ""
    total = artifact.findings_total
    if not total:
        word = _("nothing assessed") if artifact.not_assessed else _("none found")
        return format_html('<span class="chip {}">{}{}</span>{}', "" if more else "ok", icon("check"), word, more)
    words = ngettext("%(count)s finding", "%(count)s findings", total) % {"count": total}
    fixable = ngettext("%(count)s fixable", "%(count)s fixable", artifact.fixable) % {"count": artifact.fixable}
    level = severity(artifact.worst)
    return format_html('{} <span class="s">{} · {}</span>{}', level, words, fixable, more)


@register.simple_tag
def severity_bar(counted: Any) -> SafeString:
    """Return the shares of the severities as a bar; the figures stand beside it in words."""
    amounts = [(name, int(getattr(counted, name))) for name in SHOWN]
    total = sum(amount for _name, amount in amounts) or 1
    parts, at = [], 0.0
    for name, amount in amounts:
        width = 100 * amount / total
        if amount:
            parts.append((name, f"{at:.2f}", f"{width:.2f}"))
        at += width
    rects = format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="4"></rect>', parts)
    return format_html(
        '<svg class="sevbar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">{}</svg>', rects
    )


@register.simple_tag
def severity_counts(counted: Any) -> list[tuple[str, str, int]]:
    """Return (word for programs, label, number) of each severity that there is."""
    return [
        (name, str(Severity[name.upper()].label), int(getattr(counted, name)))
        for name in SHOWN
        if getattr(counted, name)
    ]


@register.simple_tag
def signed_cell(artifact: Artifact) -> SafeString:
    """Return whether an artifact is signed, and by whose key."""
    tone, name = SIGNED.get(Artifact.Signed(artifact.signed), ("", "minus"))
    word = artifact.get_signed_display()
    title = artifact.signer
    return format_html(
        '<span class="{}" title="{}">{}{}</span>', f"chip {tone}".strip(), title, icon(name), title or word
    )


@register.simple_tag
def came_and_went(found: Any) -> str:
    """Return how many things came and went between two artifacts, as "+3 −1"."""
    return f"+{len(found.added)} −{len(found.gone)}"


@register.filter
def more_bytes(size: int) -> str:
    """Return by how much something grew or shrank, with its sign."""
    sign = "+" if size > 0 else "−" if size < 0 else "±"
    return f"{sign}{filesizeformat(abs(size))}"


@register.filter
def sorted_text(names: set[str]) -> str:
    """Return names in their order, the first of them where there are many."""
    listed = sorted(names)
    return ", ".join(listed[:MOST_NAMES]) + (" …" if len(listed) > MOST_NAMES else "")


@register.filter
def short(digest: str) -> str:
    """Return a digest as people read it: its first twelve figures."""
    return digest.removeprefix("sha256:")[:12]
