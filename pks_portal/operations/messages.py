"""Texts of operations that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "event.queued": gettext_noop("Asked for by %(actor)s."),
        "held.approval": gettext_noop("It waits until somebody approves the quota request."),
        "event.held": gettext_noop("Asked for by %(actor)s; it is over the quota and waits for approval."),
        "event.step_started": gettext_noop("Started."),
        "event.step_done": gettext_noop("Done."),
        "event.retry": gettext_noop("%(reason)s Attempt %(attempt)s of %(allowed)s; the next in %(seconds)s s."),
        "event.cancel_asked": gettext_noop("Cancelling at the next safe point."),
        "event.blocked": gettext_noop(
            "%(reason)s Blocked since %(since)s; it is tried again ever less often, at least every 30 seconds."
        ),
        "event.forced": gettext_noop("Forced by %(actor)s. In the way was: %(reason)s"),
        "event.try_now": gettext_noop("%(actor)s asked to try again now."),
        "event.succeeded": gettext_noop("Finished."),
        "event.failed": gettext_noop("Failed: %(reason)s"),
        "event.cancelled": gettext_noop("Cancelled."),
        "error.busy": gettext_noop("Another task is changing %(name)s."),
        "error.busy.next": gettext_noop("Wait until it has ended, or cancel it, then ask again."),
        "error.csrf": gettext_noop("This form is too old, or it did not come from this portal."),
        "error.csrf.next": gettext_noop("Go back, reload the page and send the form again."),
        "error.not_retryable": gettext_noop("Only a failed or cancelled task can be started anew."),
        "error.not_newest": gettext_noop(
            "There is a newer task for the same thing; only the newest can be started anew."
        ),
        "error.number_wrong": gettext_noop("“%(value)s” is not a number that fits."),
        "error.bug": gettext_noop("The portal hit an unexpected error (%(kind)s); its log has the details."),
        "error.bug.next": gettext_noop("Try again; if it stays, give the task's id to the people who run the portal."),
        "error.cursor_wrong": gettext_noop(
            "The cursor is not one that a list gave; take it from “next” or “previous”."
        ),
        "error.not_found": gettext_noop("There is nothing here that you can see."),
        "error.idempotency_key_reused": gettext_noop("This Idempotency-Key was sent before, with another request."),
        "error.idempotency_key_reused.next": gettext_noop("Use a new key for every new request."),
        "error.text_impossible": gettext_noop(
            "The request has a character that cannot be kept: NUL, or one half of a surrogate pair."
        ),
        "error.unexpected": gettext_noop("The portal hit an unexpected error (%(status)s); its log has more."),
        "error.refused": gettext_noop("The portal refused the request (HTTP %(status)s)."),
        "error.host_unknown": gettext_noop("The portal does not go by the name that the request's Host header has."),
        "error.host_unknown.next": gettext_noop("Use the address that your administrator gave you."),
        "next.invalid": gettext_noop("Correct what is named and send the request again."),
        "next.not_json": gettext_noop("Send the body as valid JSON."),
        "next.unauthorized": gettext_noop("Get a token at /oauth/token and send it as “Authorization: Bearer …”."),
        "next.forbidden": gettext_noop(
            "Ask for the role: a tenant's administrator gives those of the tenant, "
            "a platform administrator those of the platform."
        ),
        "next.not_found": gettext_noop("Check the address; what you may not see is not found either."),
        "next.method": gettext_noop("Use one of the methods that the header Allow names."),
        "next.only_json": gettext_noop("Send and accept application/json."),
        "next.conflict": gettext_noop("Look at how it is now, then decide again."),
        "next.unavailable": gettext_noop("Try again in a moment."),
        "error.task_ended": gettext_noop("This task has already ended."),
        "error.not_cancellable": gettext_noop("This task can not be cancelled: what it has begun must be finished."),
        "error.not_blocked": gettext_noop("Nothing stands in this task's way that could be forced."),
        "deed.task.force": gettext_noop("forced the task past what blocked it"),
        "deed.task.cancel": gettext_noop("asked to cancel the task"),
    }
)

declare("task.cancel", "kind")
declare("task.force", "kind", "past")
