"""The invariants that the soak checks, as docs/reliability.md lists them."""

import contextlib
from typing import Any

from api import User
from checks import Checks, ends_once, has_gap, outcomes, runs_below
from samples import RELEASE_NAME
from stack import Item, Stack
from waiting import wait_until

CANCEL_TIMEOUT = 20  # seconds until a cancelled run has removed its files
# Failures that an operator must look into: no file and no configuration may cause one.
INTERNAL_CODES = {"internal", "attempts_exhausted", "dead_lettered"}
CRASHED = "attempt_crashed"  # the job's process died twice


def check_job(
    job: Any, log: list[Any], item: Item, *, is_hostile: bool = False, is_killed: bool = False
) -> list[str]:
    """Describes the invariants that a job violates.

    A hostile job may fail for a reason that its owner can act on. One whose process was killed
    twice may fail as one that kills its process.
    """
    checks = Checks(f"job {job['id']} ({job['job_type']}, {job['status']})")
    has_completed = job["status"] == "completed"
    attempts = outcomes(job)
    if job["status"] == "failed":
        code = job["error"]["code"]
        may_fail = is_killed if code == CRASHED else is_hostile and code not in INTERNAL_CODES
        checks.expect(may_fail, f"it failed: {job['error']}")
    checks.expect((job["progress"] == 100) == has_completed, f"progress {job['progress']}")
    checks.expect((job["result"] is not None) == has_completed, "its result contradicts its status")
    checks.expect(attempts.count("completed") == has_completed, f"attempts ended as {attempts}")
    is_counted = job["attempt"] <= 1 + attempts.count("crashed")
    checks.expect(is_counted, f"attempt {job['attempt']} after {attempts}")
    checks.expect(not has_gap(log), "its log has a gap or a duplicate")
    has_failed = job["status"] == "failed"
    checks.expect(has_failed or ends_once(log), f"its log does not end once: {log[-5:]}")
    checks.expect("lease_expires_at" not in item, "it still has a lease")
    return checks.faults


def stored_packages(stack: Stack, release_id: int) -> list[int]:
    """Returns the job of each run whose output is in the bucket."""
    return sorted(int(job) for job, _ in runs_below(stack.output_keys(release_id)))


def known_packages(owner: User, release_id: int) -> list[int]:
    """Returns the jobs that made the packages of a release."""
    release = owner.release(release_id)
    package = release["package"]
    packages = [package, *release["replaced_packages"]] if package else []
    return sorted(each["job_id"] for each in packages)


def check_release(stack: Stack, owner: User, release_id: int) -> list[str]:
    """Describes the invariants that a release violates.

    The bucket holds the current package and the replaced ones, and nothing else. The next job runs.
    """
    checks = Checks(f"release {release_id}")
    # A run may still remove its files when the client has the answer to its cancel.
    with contextlib.suppress(AssertionError):
        wait_until(
            lambda: stored_packages(stack, release_id) == known_packages(owner, release_id),
            "the files of cancelled runs to go",
            CANCEL_TIMEOUT,
        )
    stored, known = stored_packages(stack, release_id), known_packages(owner, release_id)
    checks.expect(stored == known, f"the bucket has jobs {stored}, the release knows {known}")
    config = {"release_name": RELEASE_NAME}
    job = owner.run_job(job_type="packaging", release_id=release_id, config_json=config)
    runs_at_once = (job["status"], len(job["attempts"])) == ("completed", 1)
    checks.expect(runs_at_once, f"the next job is {job['status']} after {job['attempts']}")
    return checks.faults


def check_release_count(stack: Stack, user: User, releases: list[tuple[User, int]]) -> list[str]:
    """Describes a difference between a user's releases and the number that is counted."""
    owned = sum(owner.id == user.id for owner, _ in releases)
    counted = stack.release_count(user.id)
    checks = Checks(f"user {user.id}")
    checks.expect(counted == owned, f"{counted} releases are counted, {owned} were created")
    return checks.faults
