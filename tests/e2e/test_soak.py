"""The soak in its short form."""

import pytest

from soak import HOSTILE, Soak
from stack import Stack


@pytest.mark.local
@pytest.mark.slow
def test_jobs_survive_kills_throttling_duplicates_and_cancels(stack: Stack) -> None:
    soak = Soak(stack, count=60, seed=1, hurry=True, hostile=HOSTILE)
    soak.run()
    assert soak.faults() == []
    for event in (
        "kills",
        "throttled calls",
        "duplicates suppressed",
        "completed",
        "crashed attempts",
    ):
        assert soak.seen[event] > 0, dict(soak.seen)
    assert len(soak.hostile) == 3
    assert soak.p95() > 0
