"""Settings of the tests: the product's own, with a database, cache and secrets of their own."""

import os
import tempfile

_scratch = tempfile.TemporaryDirectory(prefix="pks-tests-")  # gone with the process
os.environ.setdefault("PKS_DATA_DIR", _scratch.name)
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("PKS_KEY_RING", '{"k1": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}')

from pks_portal.settings import *  # noqa: E402, F403
from pks_portal.settings import DATABASES  # noqa: E402

if not os.environ.get("DATABASE_URL"):
    DATABASES["default"]["TEST"] = {"NAME": f"{os.environ['PKS_DATA_DIR']}/test.sqlite3"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MFA_REQUIRED = set()  # tests that need it ask for it
PKS_STRICT = True  # a deed or a fact that nobody declared is an error
