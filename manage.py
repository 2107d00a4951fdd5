#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from pks_portal.upkeep import bare

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")
    if "restore" in sys.argv[1:2]:
        bare.without_lost_files()
    execute_from_command_line(sys.argv)
