"""The clouds and plans of the default set, and the programs of the default version."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from clusters import fleet, preparing
from clusters.engines.local import binaries
from clusters.models import Cloud, Plan

CLOUDS = [
    ("local", "This machine", "本机", "local"),
    ("simulated", "Simulated", "模拟环境", "simulated"),
]
PLANS = [  # slug, name, 中文, vCPU, GiB, most nodes
    ("small", "Small", "小型", 2, 4, 10),
    ("medium", "Medium", "中型", 4, 8, 20),
    ("large", "Large", "大型", 8, 16, 50),
]


class Command(BaseCommand):
    help = "Create the clouds and plans of the default set where missing; have the default Kubernetes prepared."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", default=fleet.HERE, help="queue of the workers on the host of the local cloud")
        parser.add_argument("--no-simulated", action="store_true", help="leave out the cloud that only simulates")

    def handle(self, *, queue: str = fleet.HERE, no_simulated: bool = False, **options: object) -> None:
        for position, (slug, name, name_zh, kind) in enumerate(CLOUDS[: 1 if no_simulated else None]):
            place = queue if kind == "local" else fleet.HERE
            defaults = {"name": name, "name_zh": name_zh, "kind": kind, "position": position, "queue": place}
            Cloud.objects.get_or_create(slug=slug, defaults=defaults)
        for position, (slug, name, name_zh, vcpu, memory_gib, most) in enumerate(PLANS):
            sizes = {"vcpu": vcpu, "memory_gib": memory_gib, "max_nodes": most}
            Plan.objects.get_or_create(
                slug=slug, defaults={"name": name, "name_zh": name_zh, "position": position, **sizes}
            )
        if queue == fleet.HERE:
            for version in binaries.offered():
                binaries.checked(version)
        if version := binaries.default():
            preparing.ensure_for(Cloud.objects.get(slug="local"), version)
