"""Notices by mail: gathered for a moment, so that a person gets one mail of what happened at once, and tried again."""

import logging
import smtplib
import ssl
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone, translation

from tenants.models import MailChoice, Notice, User
from tenants.notices.kinds import kinds

log = logging.getLogger(__name__)

TASK: Final = "tenants.notices.tasks.send_mail"
GATHER: Final = timedelta(seconds=20)
LEASE: Final = timedelta(minutes=3)
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180))
AT_ONCE, IN_ONE = 50, 50
SUBJECT: Final = 120


class Backend(EmailBackend):
    """Django's SMTP, which trusts a company's own authority besides the machine's."""

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if settings.PKS_MAIL_CA:
            context.load_verify_locations(settings.PKS_MAIL_CA)
        return context


def configured() -> bool:
    """Say whether the portal sends mail at all."""
    return bool(settings.PKS_MAIL)


def mark(notices: Sequence[Notice]) -> None:
    """Mark, before they are saved, those that are to go by mail too."""
    if not configured() or not notices:
        return
    off = dict(MailChoice.objects.filter(user__in=[row.user_id for row in notices]).values_list("user_id", "off"))
    due = timezone.now() + GATHER
    for row in notices:
        if row.user.email and row.kind not in off.get(row.user_id, ()):
            row.mail, row.mail_due_at = Notice.Mail.DUE, due


def sweep() -> int:
    """Queue a mail for each person who has one due; return how many."""
    due = Notice.objects.filter(mail=Notice.Mail.DUE, mail_due_at__lte=timezone.now())
    people = due.order_by().values_list("user_id", flat=True).distinct()[:AT_ONCE]
    for user_id in people:
        current_app.send_task(TASK, (user_id,), ignore_result=True, expires=60)
    return len(people)


def send_to(user_id: int) -> None:
    """Send a person what is due in one mail; whoever comes second finds nothing."""
    rows = _claim(user_id)
    if not rows:
        return
    user = rows[0].user
    if not user.is_active or not user.email:
        _end(rows, mail=Notice.Mail.NONE)
        return
    try:
        _message(user, rows).send()
    except (OSError, smtplib.SMTPException) as error:  # time-outs and TLS are OSErrors
        _later(rows, error)
    else:
        _end(rows, mail=Notice.Mail.SENT)


def _claim(user_id: int) -> list[Notice]:
    """Take what is due, and what is being gathered, for longer than a try can last; what was read meanwhile is off."""
    claim, now = uuid.uuid4(), timezone.now()
    waiting = Notice.objects.filter(user_id=user_id, mail=Notice.Mail.DUE)
    waiting.filter(read_at__isnull=False).update(mail=Notice.Mail.NONE)
    if not waiting.filter(mail_due_at__lte=now).exists():
        return []
    ready = waiting.filter(mail_due_at__lte=now) | waiting.filter(mail_attempts=0)
    taken = {"mail_claim": claim, "mail_due_at": now + LEASE, "mail_attempts": F("mail_attempts") + 1}
    chosen = list(ready.order_by("created_at").values_list("pk", flat=True)[:IN_ONE])
    ready.filter(pk__in=chosen).update(**taken)
    return list(Notice.objects.filter(mail_claim=claim).select_related("user", "tenant").order_by("created_at"))


def _message(user: User, rows: Sequence[Notice]) -> EmailMessage:
    """Return the mail in the person's language."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        context: dict[str, Any] = {"user": user, "rows": rows, "base": settings.PUBLIC_URL}
        subject = " ".join(render_to_string("tenants/mail/subject.txt", context).split())[:SUBJECT]
        body = render_to_string("tenants/mail/body.txt", context)
    name = f"<{rows[0].mail_claim}@{settings.PUBLIC_HOST}>"
    headers = {"Message-ID": name, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return EmailMessage(subject, body, to=[user.email], headers=headers)


def _later(rows: Sequence[Notice], error: Exception) -> None:
    """Try again later, unless it was tried often enough or the server will never take this address."""
    tried = max(row.mail_attempts for row in rows)
    words = type(error).__name__
    log.warning("The mail server %s did not take a mail (attempt %s): %s", settings.EMAIL_HOST, tried, words)
    if tried > len(PAUSES) or isinstance(error, smtplib.SMTPRecipientsRefused):
        _end(rows, mail=Notice.Mail.FAILED)
    else:
        _end(rows, mail_due_at=timezone.now() + PAUSES[tried - 1])


def _end(rows: Sequence[Notice], **facts: Any) -> None:
    Notice.objects.filter(mail_claim=rows[0].mail_claim).update(mail_claim=None, **facts)


def off(user: User) -> set[str]:
    """Return the kinds that a person does not want by mail."""
    row = MailChoice.objects.filter(user=user).first()
    return set(row.off) if row else set()


def choose(user: User, wanted: Sequence[str]) -> None:
    """Keep that these kinds, of all there are now, come by mail and the others do not; what is added later comes."""
    unwanted = [kind.code for kind in kinds(for_people=True) if kind.code not in wanted]
    MailChoice.objects.update_or_create(user=user, defaults={"off": unwanted})
