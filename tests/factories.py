"""Rows for tests, with the defaults written down."""

import factory
from factory.django import DjangoModelFactory

from clusters.models import Cloud, Cluster, NodePool, Plan
from tenants.models import Membership, PlatformGrant, PlatformRole, QuotaLimit, Role, Tenant, User


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person-{n}")
    display_name = factory.LazyAttribute(lambda user: user.username.title())


class TenantFactory(DjangoModelFactory[Tenant]):
    class Meta:
        model = Tenant
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"line-{n}")
    name = factory.LazyAttribute(lambda tenant: tenant.slug.title())
    name_zh = "业务线"

    @factory.post_generation
    def quota(self, create, extracted, **kwargs):
        limits = {"clusters": 4, "nodes": 20, "vcpu": 80, "memory_gib": 160, "storage_gib": 500, "registry_gib": 100}
        limits |= extracted or {}
        for kind, limit in limits.items():
            QuotaLimit.objects.create(tenant=self, kind=kind, limit=limit)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    tenant = factory.SubFactory(TenantFactory)
    role = Role.OPERATOR


class PlatformGrantFactory(DjangoModelFactory[PlatformGrant]):
    class Meta:
        model = PlatformGrant

    user = factory.SubFactory(UserFactory)
    role = PlatformRole.PLATFORM_ADMIN


class CloudFactory(DjangoModelFactory[Cloud]):
    class Meta:
        model = Cloud
        django_get_or_create = ("slug",)

    slug = "simulated"
    name = "Simulated"
    kind = "simulated"
    options = factory.LazyFunction(lambda: {"pace": 0.02})


class PlanFactory(DjangoModelFactory[Plan]):
    class Meta:
        model = Plan
        django_get_or_create = ("slug",)

    slug = "small"
    name = "Small"
    vcpu = 2
    memory_gib = 4
    max_nodes = 10


class ClusterFactory(DjangoModelFactory[Cluster]):
    class Meta:
        model = Cluster
        skip_postgeneration_save = True

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"cluster-{n}")
    cloud = factory.SubFactory(CloudFactory)
    plan = factory.SubFactory(PlanFactory)
    version = "1.37.2"
    status = Cluster.Status.RUNNING
    created_by = factory.SubFactory(UserFactory)

    @factory.post_generation
    def nodes(self, create, extracted, **kwargs):
        NodePool.objects.create(
            cluster=self, nodes=extracted or 3, vcpu=self.plan.vcpu, memory_gib=self.plan.memory_gib
        )
