"""Say whether the audit trail is what was written."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from tenants.audit import sealing
from tenants.audit.verifying import Anchor, Report, verify

HASH_LENGTH = 64


class Command(BaseCommand):
    help = "Verify the audit trail: exit code 0 when every entry is as it was written, 1 when not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor", type=_anchor, metavar="NUMBER:HASH", help="a head kept outside: from the log or an export"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify(options["anchor"])
        for line in _lines(report):
            self.stdout.write(line)
        sealing.tell(now=True)
        if report.fault:
            raise CommandError(_fault(report))
        if report.unguarded:
            raise CommandError(_("The database does not refuse changes: %s") % ", ".join(report.unguarded))
        if report.anchored is False:
            raise CommandError(_("The anchor is older or newer than what is kept."))


def _anchor(text: str) -> Anchor:
    number, _colon, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != HASH_LENGTH:
        raise ArgumentTypeError(_("An anchor is NUMBER:HASH, a hash of 64 hexadecimal digits."))
    return int(number), digest.lower()


def _lines(report: Report) -> list[str]:
    lines = [_("Entries that are right: %d") % report.right, _("Head: %s") % report.head]
    if report.after:
        lines.append(_("The chain begins after %d: what was before was purged.") % report.after)
    if report.unsealed:
        lines.append(_("Not yet sealed: %d") % report.unsealed)
    if report.late:
        lines.append(_("Entries whose time is more than an hour before one sealed earlier: %d") % report.late)
    if report.anchored:
        lines.append(_("The anchor fits.") if not report.fault else "")
    return [line for line in lines if line]


def _fault(report: Report) -> str:
    texts = {
        "changed": _("Entry %d of the chain was changed."),
        "missing": _("Entry %d of the chain is missing."),
        "inserted": _("Entry %d of the chain was put in afterwards."),
        "reordered": _("Entry %d of the chain has changed places with the next."),
        "rewritten": _("At %d the chain is not the one of the anchor: it was rewritten."),
        "purged": _("The chain up to %d went without a record of who purged it."),
    }
    return texts[report.fault.how] % report.fault.number if report.fault else ""
