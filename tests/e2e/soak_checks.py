"""The invariants that the soak checks, as docs/reliability.md lists them."""

from typing import Any

from api import User
from checks import Checks, has_gap, outcomes, runs_below
from samples import RELEASE_NAME
from stack import Item, Stack


def check_job(job: Any, log: list[Any], item: Item) -> list[str]:
    """Returns the invariants that a job violates, in words."""
    checks = Checks(f"job {job['id']} ({job['job_type']}, {job['status']})")
    has_completed = job["status"] == "completed"
    attempts = outcomes(job)
    checks.expect(job["status"] in ("completed", "cancelled"), f"it failed: {job['error']}")
    checks.expect((job["progress"] == 100) == has_completed, f"progress {job['progress']}")
    checks.expect((job["result"] is not None) == has_completed, "its result does not fit")
    checks.expect(attempts.count("completed") == has_completed, f"attempts ended as {attempts}")
    is_counted = job["attempt"] <= 1 + attempts.count("crashed")
    checks.expect(is_counted, f"attempt {job['attempt']} after {attempts}")
    checks.expect(not has_gap(log), "its log has a gap or a repeat")
    ends = [line["message"] for line in log if is_end(line["message"])]
    ends_once = len(ends) == 1 and log[-1]["message"] == ends[0]
    checks.expect(ends_once, f"its log ends with {ends}")
    checks.expect("lease_expires_at" not in item, "it still has a lease")
    return checks.faults


def is_end(message: str) -> bool:
    """Returns whether a log line tells the end of a job."""
    return message == "Job completed" or "Cancelled by" in message


def check_release(stack: Stack, owner: User, release_id: int) -> list[str]:
    """Returns the invariants that a release violates, in words.

    The bucket has the current package and the replaced ones, and nothing else. The next job runs.
    """
    checks = Checks(f"release {release_id}")
    release = owner.release(release_id)
    package = release["package"]
    packages = [package, *release["replaced_packages"]] if package else []
    known = sorted(each["job_id"] for each in packages)
    runs = sorted(runs_below(stack.output_keys(release_id)))
    stored = sorted(int(job) for job, _ in runs)
    checks.expect(stored == known, f"the bucket has {runs}, the release knows {known}")
    config = {"release_name": RELEASE_NAME}
    job = owner.run_job(job_type="packaging", release_id=release_id, config_json=config)
    runs_at_once = (job["status"], len(job["attempts"])) == ("completed", 1)
    checks.expect(runs_at_once, f"the next job is {job['status']} after {job['attempts']}")
    return checks.faults
