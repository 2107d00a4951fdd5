"""Texts of operations that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "event.queued": gettext_noop("Asked for by %(actor)s."),
        "event.step_started": gettext_noop("Started."),
        "event.step_done": gettext_noop("Done."),
        "event.retry": gettext_noop("%(reason)s Attempt %(attempt)s of %(allowed)s; the next in %(seconds)s s."),
        "event.cancel_asked": gettext_noop("Cancelling at the next safe point."),
        "event.succeeded": gettext_noop("Finished."),
        "event.failed": gettext_noop("Failed: %(reason)s"),
        "event.cancelled": gettext_noop("Cancelled."),
        "error.busy": gettext_noop("Another task is changing %(name)s."),
        "error.busy.next": gettext_noop("Wait until it has ended, or cancel it, then ask again."),
        "error.csrf": gettext_noop("This form is too old, or it did not come from this portal."),
        "error.csrf.next": gettext_noop("Go back, reload the page and send the form again."),
        "error.not_retryable": gettext_noop("Only a failed or cancelled task can be started anew."),
        "error.number_wrong": gettext_noop("“%(value)s” is not a number that fits."),
        "error.bug": gettext_noop("The portal hit an unexpected error (%(kind)s); its log has the details."),
        "error.bug.next": gettext_noop("Try again; if it stays, give the task's id to the people who run the portal."),
        "error.not_found": gettext_noop("There is nothing here that you can see."),
        "error.task_ended": gettext_noop("This task has already ended."),
        "error.not_cancellable": gettext_noop("This task can not be cancelled: what it has begun must be finished."),
        "deed.task.cancel": gettext_noop("asked to cancel the task"),
    }
)
