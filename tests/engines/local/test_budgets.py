"""Which pods a forced drain deletes: those of the budgets that were forced, and no other's."""

import pytest

from clusters.engines.local import nodes


def budget(name, **labels):
    return {"metadata": {"namespace": "default", "name": name}, "spec": {"selector": {"matchLabels": labels}}}


def pod(**labels):
    return {"metadata": {"namespace": "default", "name": "pod", "labels": labels}}


BUDGETS = [budget("web", app="web"), budget("side", app="side"), budget("gold", tier="gold")]


@pytest.mark.parametrize(
    ("labels", "force", "deleted"),
    [
        ({"app": "web"}, {"default/web"}, True),
        ({"app": "side"}, {"default/web"}, False),
        ({"app": "web", "tier": "gold"}, {"default/web"}, False),
        ({"app": "web", "tier": "gold"}, {"default/web", "default/gold"}, True),
        ({"app": "none"}, {"default/web"}, False),
        ({"app": "web"}, {"other/web"}, False),
    ],
)
def test_only_what_was_named_is_forced(labels, force, deleted):
    assert nodes.forced(pod(**labels), BUDGETS, force) is deleted
