"""The crash matrix in its short form: some points of each scenario, without waiting for leases."""

import pytest

from crash_points import SCENARIOS, Scenario
from crashes import run_matrix
from stack import Stack
from stream_crashes import STREAM_SCENARIOS, StreamScenario, run_stream_matrix

EVERY = 7  # an odd number: takes both moments by turns
STREAM_EVERY = 3  # these have fewer calls


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_job_whose_processor_is_killed_completes(stack: Stack, scenario: Scenario) -> None:
    points = run_matrix(stack, [scenario], EVERY, hurry=True)
    killed = [point for point in points if point.call]
    assert len(killed) > 3
    assert {point.moment for point in killed} == {"before", "after"}
    assert {str(point): point.faults for point in points if point.faults} == {}


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("scenario", STREAM_SCENARIOS.values(), ids=STREAM_SCENARIOS.keys())
def test_killed_function_of_the_stream_loses_at_most_a_push(
    stack: Stack, scenario: type[StreamScenario]
) -> None:
    points = run_stream_matrix(stack, scenario, STREAM_EVERY)
    assert len(points) > 3
    assert {point.moment for point in points} == {"before", "after"}
    assert {str(point): point.faults for point in points if point.faults} == {}
