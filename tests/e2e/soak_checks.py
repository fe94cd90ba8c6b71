"""The invariants that the soak checks, as docs/reliability.md lists them."""

from typing import Any

from api import User
from checks import Checks, ends_once, has_gap, outcomes, runs_below
from samples import RELEASE_NAME
from stack import Item, Stack


def check_job(job: Any, log: list[Any], item: Item) -> list[str]:
    """Describes the invariants that a job violates."""
    checks = Checks(f"job {job['id']} ({job['job_type']}, {job['status']})")
    has_completed = job["status"] == "completed"
    attempts = outcomes(job)
    checks.expect(job["status"] in ("completed", "cancelled"), f"it failed: {job['error']}")
    checks.expect((job["progress"] == 100) == has_completed, f"progress {job['progress']}")
    checks.expect((job["result"] is not None) == has_completed, "its result contradicts its status")
    checks.expect(attempts.count("completed") == has_completed, f"attempts ended as {attempts}")
    is_counted = job["attempt"] <= 1 + attempts.count("crashed")
    checks.expect(is_counted, f"attempt {job['attempt']} after {attempts}")
    checks.expect(not has_gap(log), "its log has a gap or a duplicate")
    checks.expect(ends_once(log), f"its log does not end once: {log[-5:]}")
    checks.expect("lease_expires_at" not in item, "it still has a lease")
    return checks.faults


def check_release(stack: Stack, owner: User, release_id: int) -> list[str]:
    """Describes the invariants that a release violates.

    The bucket holds the current package and the replaced ones, and nothing else. The next job runs.
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
