"""Tell people and programs what happened: in the portal, by mail, and by signed webhooks.

`tell` writes rows in the transaction of the deed; what leaves the portal goes after it, by workers, at least once.
"""

from tenants.notices.telling import tell

__all__ = ["tell"]
