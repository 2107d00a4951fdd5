"""What touches a cloud's host is done by the workers on that host, whose queue the cloud names."""

import json

import pytest
from celery import Task
from django.core.cache import cache
from django.utils import timezone

from clusters import fleet, hosts, preparing, tasks, warm
from clusters.credentials import issue_kubeconfig, revoke_kubeconfig
from clusters.engines.base import Capabilities, Credential
from clusters.engines.local import binaries
from clusters.models import Cluster, Kubeconfig, Spare
from clusters.wishes import NewCluster
from pks_portal.errors import Conflict, Unavailable
from pks_portal.operations.models import Operation
from tests.factories import CloudFactory, ClusterFactory, PlanFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """Return (task, arguments, queue) of whatever is sent to workers."""
    found = []

    def send(task, args=(), kwargs=None, **options):
        found.append((task.name.rpartition(".")[2], *args, options.get("queue")))

    monkeypatch.setattr(Task, "apply_async", send)
    return found


@pytest.fixture
def far():
    """Return a cloud on another host."""
    return CloudFactory.create(slug="far", kind="local", queue="far-host", options={})


def test_each_cloud_is_watched_on_its_host(sent, far):
    near = ClusterFactory.create().cloud
    ClusterFactory.create(cloud=far)
    ClusterFactory.create(cloud=CloudFactory.create(slug="busy", queue="busy-host"), status=Cluster.Status.CREATING)
    tasks.watch()
    assert set(sent) == {("watch_cloud", near.pk, "celery"), ("watch_cloud", far.pk, "far-host")}


def test_a_watch_looks_at_its_own_cloud_only(monkeypatch, far):
    ClusterFactory.create()
    mine = ClusterFactory.create(cloud=far)
    looked: list[Cluster] = []
    monkeypatch.setattr(tasks, "look", looked.append)
    tasks.watch_cloud(far.pk)
    assert looked == [mine]


@pytest.mark.parametrize("pool", [0, 1])
def test_each_pool_is_stocked_on_its_host(sent, far, settings, pool):
    settings.PKS_WARM_POOL = pool
    tasks.stock()
    assert sent == ([("stock_cloud", far.pk, "far-host")] if pool else [])


@pytest.mark.parametrize("pool", [0, 1])
def test_what_is_left_of_a_pool_is_cleared_on_its_host(sent, far, settings, pool):
    settings.PKS_WARM_POOL = pool
    far.enabled = False
    far.save()
    Spare.objects.create(cloud=far, version=binaries.default(), ready=True)
    tasks.stock()
    assert sent == [("stock_cloud", far.pk, "far-host")]


def test_a_spare_is_made_on_its_host(sent, far, settings, monkeypatch, django_capture_on_commit_callbacks):
    settings.PKS_WARM_POOL = 1
    monkeypatch.setattr(warm, "_made", lambda version: version == binaries.default())
    with django_capture_on_commit_callbacks(execute=True):
        tasks.stock_cloud(far.pk)
    (fill,) = Operation.objects.all()
    assert (fill.kind, fill.queue) == ("pool.fill", "far-host")
    assert sent == [("advance", str(fill.pk), "far-host")]


def test_programs_are_made_where_the_cluster_will_run(sent, far, operator, django_capture_on_commit_callbacks):
    from clusters import services

    wish = NewCluster(name="pay-dev", plan=PlanFactory.create(), nodes=1, version=binaries.default(), cloud=far)
    with django_capture_on_commit_callbacks(execute=True):
        task, _ = services.create_cluster(operator.user, operator.tenant, wish)
    assert ("ensure_there", binaries.default(), "far-host", "far-host") in sent
    assert ("advance", str(task.pk), "far-host") in sent
    assert not Operation.objects.filter(kind=preparing.KIND).exists()  # only the host itself knows what it lacks


def test_two_hosts_prepare_one_version_each_for_itself(sent, far, monkeypatch):
    monkeypatch.setattr(binaries, "state", lambda version: type("State", (), {"phase": "absent"}))
    near, there = preparing.ensure("1.37.2"), preparing.ensure("1.37.2", queue="far-host")
    assert near is not None
    assert there is not None
    assert (near.queue, there.queue) == ("celery", "far-host")
    assert preparing.newest(far, "1.37.2") == there
    assert preparing.ensure("1.37.2", queue="far-host") is None


class Far:
    """An engine on another host: it issues, or refuses with what it is given."""

    refusal = None

    def capabilities(self):
        return Capabilities(simulated_control_plane=False, simulated_nodes=True)

    def credentials(self, wanted, *, holder, level, ttl, name):
        if self.refusal:
            raise self.refusal
        text = f"kubeconfig of {wanted.name}, {level}"
        return Credential(name=name, kubeconfig=text, expires=timezone.now() + ttl)

    def revoke(self, cluster_id, name):
        self.revoked = name


@pytest.fixture
def worker(monkeypatch, far, operator):
    """Return an engine that only a worker on the far host reaches, and what passed through queue and cache."""
    engine, seen, there = Far(), [], []
    monkeypatch.setattr(fleet, "engine_of", lambda cloud: engine)

    def send(task, args=(), kwargs=None, **options):
        assert options["queue"] == "far-host"
        there.append(task.name)
        seen.append(str(args))
        json.dumps(args)
        task(*args)
        seen.append(str(cache.get(args[0])))

    monkeypatch.setattr(Task, "apply_async", send)
    cluster = ClusterFactory.create(cloud=far, tenant=operator.tenant, endpoint="https://127.0.0.9:6443")
    return cluster, engine, seen, there


def test_a_kubeconfig_is_issued_and_revoked_by_a_worker_on_the_host_and_passes_sealed(worker, operator):
    cluster, engine, seen, there = worker
    row, text = issue_kubeconfig(operator.user, cluster, level="edit", hours=2)
    assert text == f"kubeconfig of {cluster.name}, edit"
    assert row.expires_at > timezone.now()
    assert "kubeconfig of" not in " ".join(seen)
    revoke_kubeconfig(operator.user, row)
    assert engine.revoked == row.name
    assert there == ["clusters.hosts.answer_there"] * 2


def test_the_refusal_of_a_far_engine_is_the_persons_answer(worker, operator):
    cluster, engine, _, _ = worker
    engine.refusal = Conflict("engine.not_made", name=cluster.name)
    with pytest.raises(Conflict) as refused:
        issue_kubeconfig(operator.user, cluster, level="edit", hours=2)
    assert refused.value.detail == engine.refusal.detail


def test_a_host_that_does_not_answer_is_said(worker, operator, sent, monkeypatch):
    cluster, *_ = worker
    monkeypatch.setattr(hosts, "PATIENCE", 0.1)
    with pytest.raises(Unavailable) as silent:
        issue_kubeconfig(operator.user, cluster, level="edit", hours=2)
    assert "far-host" in silent.value.detail
    assert not Kubeconfig.objects.exists()
