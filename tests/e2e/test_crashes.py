"""The crash matrix in its short form: some points of each scenario, without waiting for leases."""

import pytest

from crash_points import SCENARIOS, Scenario
from crashes import run_matrix
from stack import Stack

EVERY = 7  # an odd number: takes both moments by turns


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_job_whose_processor_is_killed_completes(stack: Stack, scenario: Scenario) -> None:
    points = run_matrix(stack, [scenario], EVERY, hurry=True)
    killed = [point for point in points if point.call]
    assert len(killed) > 3
    assert {point.moment for point in killed} == {"before", "after"}
    assert {str(point): point.faults for point in points if point.faults} == {}
