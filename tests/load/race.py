"""Contestants that take turns, so that whatever the machine does meanwhile happens to all of them."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.load.progress import tell

Sample = dict[str, Any]  # "seconds", and what else helps to understand a run
Contestant = Callable[[], Sample]
NODES = 3


def race(contestants: Mapping[str, Contestant], rounds: int) -> list[dict[str, Sample]]:
    """Return each round's samples by contestant: A B A B …, after a round that warms the caches and is not counted."""
    for name, run in contestants.items():
        tell(f"warm-up  {name:<8} {run()['seconds']:6.2f} s")
    results = []
    for number in range(1, rounds + 1):
        samples = {}
        for name, run in contestants.items():
            samples[name] = run()
            tell(f"{number:>3}/{rounds:<3}  {name:<8} {samples[name]['seconds']:6.2f} s")
        results.append(samples)
    return results


def seconds(results: list[dict[str, Sample]], name: str, mark: str = "seconds") -> list[float]:
    """Return a contestant's figures in the order of the rounds; `mark` is one that it passed on the way."""
    return [float(samples[name][mark]) for samples in results]
