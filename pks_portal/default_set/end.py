"""End the default set, and delete its data; clusters are not its own and live on unless told otherwise."""

import shutil
import subprocess
import sys
from typing import Final

from pks_portal.default_set.configuration import base_environment
from pks_portal.default_set.place import Place
from pks_portal.default_set.programs import PORTAL, SERVICES
from pks_portal.default_set.start import end_orphans, read_environment
from pks_portal.default_set.supervisor import Supervisor
from pks_portal.default_set.words import SetError, _

PATIENCE: Final = 30.0
OWN: Final = (
    "db",
    "keys",
    "directory",
    "redis",
    "log",
    "run",
    "clusters",
    "registry",
    "bin",
    "issuer",
    "restored",
    "layout",
)


def stop(place: Place) -> None:
    """Stop the portal's programs, then what they need, then the supervisor; say which clusters live on."""
    if not place.data.exists():
        print(_("PKS Portal has not been started here (%(path)s).", path=place.data))
        return
    with place.lock():
        _stop(place)
    if clusters := place.live_clusters():
        print(
            _(
                "Clusters that go on running: %(count)s. The next `make run` finds them again; "
                "to end them and delete their data: make clean WITH_CLUSTERS=1",
                count=len(clusters),
            )
        )


def _stop(place: Place) -> None:
    supervisor = Supervisor(place.socket())
    if not supervisor.answers():
        end_orphans(place)
        print(_("PKS Portal is not running."))
        return
    supervisor.stop(PORTAL, patience=PATIENCE)
    supervisor.stop(SERVICES, patience=PATIENCE)
    supervisor.end()
    print(_("PKS Portal has stopped."))


def clean(place: Place, *, with_clusters: bool) -> None:
    """Stop and delete all data of this set; refused while it has clusters, unless they are to go too."""
    if not (place.data / "layout").exists():
        print(_("There is nothing to delete in %(path)s.", path=place.data))
        return
    with place.lock():
        if (clusters := place.live_clusters()) and not with_clusters:
            raise SetError(
                _(
                    "Clusters that live in %(path)s: %(count)s. Delete them in the portal first, "
                    "or with all their data: make clean WITH_CLUSTERS=1",
                    count=len(clusters),
                    path=place.clusters,
                )
            )
        _stop(place)
        _end_clusters(place)
        for name in OWN:
            path = place.data / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(place.socket().parent, ignore_errors=True) if place.socket().parent != place.run else None
    print(_("The data in %(path)s is deleted; programs and caches are kept.", path=place.data))


def _end_clusters(place: Place) -> None:
    """Let the engine end every cluster and its own supervisor; called without clusters too, to leave no process."""
    command = [sys.executable, "-m", "clusters.engines.local.keeper", "end-all", "--with-data"]
    environment = {**base_environment(), **read_environment(place), "PKS_DATA_DIR": str(place.data)}
    done = subprocess.run(
        command,
        env=environment,
        cwd=place.checkout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise SetError(
            _("The clusters could not be ended: %(cause)s", cause=(done.stderr or done.stdout).strip()[-800:])
        )
