"""`python -m pks_portal.default_set start | stop | status | logs | clean`: what the Makefile calls."""

import argparse
import os
import sys

from pks_portal.default_set import end, report
from pks_portal.default_set.place import here
from pks_portal.default_set.start import start
from pks_portal.default_set.words import SetError, _


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="default_set", description=_("The portal and all it needs, on this machine."))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help=_("start, or take over what changed"))
    commands.add_parser("stop", help=_("stop the portal; clusters live on"))
    status = commands.add_parser("status", help=_("programs with state, process, age and memory"))
    status.add_argument("--json", action="store_true")
    logs = commands.add_parser("logs", help=_("the last lines of the logs"))
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("name", nargs="?")
    clean = commands.add_parser("clean", help=_("stop, and delete all data"))
    clean.add_argument("--with-clusters", action="store_true")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    place = here()
    if arguments.command == "start":
        start(place)
    elif arguments.command == "stop":
        end.stop(place)
    elif arguments.command == "clean":
        end.clean(place, with_clusters=arguments.with_clusters)
    elif arguments.command == "logs":
        report.logs(place, arguments.name, follow=arguments.follow)
    else:
        return report.status(place, as_json=arguments.json)
    return 0


def main() -> int:
    """Run a command; return 0, 1 for a refusal or failure that was said, 130 when interrupted."""
    os.umask(0o022)
    try:
        return _run(_arguments())
    except SetError as error:
        print(_("Error: %(cause)s", cause=error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n" + _("Interrupted; the same command goes on where it stopped."), file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
