"""The warm pool: a control plane made ahead is taken over, and another is made behind it."""

from collections.abc import Iterator

import pytest

from tests.real.running import Portal, until
from tests.real.test_survival import PROGRAMS, assert_nothing_left

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    running = Portal(tmp_path_factory.mktemp("warm"), PKS_WARM_POOL="1", PKS_KUBERNETES_VERSIONS="1.37.2")
    running.run("start")
    yield running
    running.run("clean", "--with-clusters")
    until(lambda: not running.processes(), what="no process left")


def spares(portal: Portal) -> set[str]:
    return {row[0] for row in portal.query("SELECT id FROM clusters_spare WHERE ready=1")}


def test_a_cluster_takes_over_a_spare_and_the_pool_is_filled_again(warm: Portal) -> None:
    (spare,) = until(lambda: spares(warm), 90, what="a spare is ready")
    taken = until(lambda: warm.query("SELECT memory_mib FROM clusters_spare WHERE memory_mib > 0"), 40, what="measured")
    assert 200 < taken[0][0] < 1000, "six processes of which the API server alone has some 250 MiB"
    before = warm.processes()
    task, cluster = warm.create("quick", 3)
    done = warm.succeeded(task)
    assert cluster.replace("-", "") == spare
    assert sorted(warm.processes(cluster).values()) == PROGRAMS
    assert before.items() <= warm.processes(cluster).items(), "no process was started anew"
    assert warm.cluster(cluster)["nodes_ready"] == 3
    took = done["steps"][-1]["ended_at"], done["created_at"]
    assert seconds(*took) < 5, "promised: one second; the margin is for a busy machine"
    until(lambda: spares(warm) - {spare}, 120, what="the pool is filled again")
    warm.succeeded(warm.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])
    assert_nothing_left(warm, cluster)


def seconds(end: str, start: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def test_a_cluster_with_a_hostname_of_its_own_is_made_anew(warm: Portal) -> None:
    until(lambda: spares(warm), 120)
    task, cluster = warm.create("named", 1, external_hostname="api.pay.example")
    assert cluster.replace("-", "") not in spares(warm)
    warm.succeeded(task)
    warm.succeeded(warm.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])
