"""What the issuer declares when Django starts: its texts and tasks."""

from tenants.issuer import messages, tasks  # noqa: F401 - they declare themselves
