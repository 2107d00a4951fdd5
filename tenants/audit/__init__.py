"""The audit trail: who did what to what, when, through which door. Append-only and chained by hashes.

`record` a deed in its transaction; `declare` it, with its facts, once. `of` and `visible` read.
"""

from tenants.audit.origin import NOWHERE, Origin, origin
from tenants.audit.reading import of, visible
from tenants.audit.recording import Thing, record
from tenants.audit.vocabulary import declare

__all__ = ["NOWHERE", "Origin", "Thing", "declare", "of", "origin", "record", "visible"]
