"""What the app declares for notices when it starts: texts, tasks, deeds with the facts they may hold."""

from tenants.audit import declare
from tenants.notices import messages, tasks

__all__ = ["messages", "tasks"]

for action, facts in {
    "webhook.create": ("host", "kinds", "projects"),
    "webhook.change": ("changed", "host", "kinds", "projects", "enabled"),
    "webhook.delete": ("host",),
    "webhook.renew": ("host",),
    "webhook.test": ("host",),
    "webhook.resend": ("host", "delivery"),
    "webhook.stop": ("host", "days"),
}.items():
    declare(action, *facts)
