"""The checks of the crash matrix: the state of a job after its processor was killed."""

from api import User
from checks import Checks, ends_once, has_gap, outcomes, runs_below
from crash_points import CrashPoint
from waiting import wait_until


def find_faults(point: CrashPoint, reference: CrashPoint) -> list[str]:
    """Describes every difference from a job that was never killed."""
    point.observe()
    checks = Checks()
    check_end(checks, point)
    check_log(checks, point)
    check_output(checks, point, reference)
    check_duplicate(checks, point)
    check_next_job(checks, point)
    return checks.faults


def check_end(checks: Checks, point: CrashPoint) -> None:
    """Checks the status of the job and its attempts."""
    job = point.details
    ended = [job["status"], job["progress"], job["error"]]
    checks.expect(ended == ["completed", 100, None], f"the job ended as {ended}")
    attempts = outcomes(job)
    checks.expect(attempts[-1:] == ["completed"], f"its attempts ended as {attempts}")
    crashed = attempts.count("crashed")
    is_counted = crashed <= 1 and job["attempt"] == 1 + crashed
    checks.expect(is_counted, f"attempt {job['attempt']} after {attempts}")


def check_log(checks: Checks, point: CrashPoint) -> None:
    """Checks that the log is whole and ends once."""
    assert point.job
    log = point.owner.log(point.job)
    point.log_lines = len(log)
    checks.expect(not has_gap(log), "its log has a gap or a duplicate")
    checks.expect(ends_once(log), f"its log does not end once: {log[-5:]}")


def check_output(checks: Checks, point: CrashPoint, reference: CrashPoint) -> None:
    """Checks that the bucket has the same output as without a crash, once, and nothing else."""
    assert point.job
    scenario, job = point.scenario, point.details
    item = point.stack.job_item(point.job)
    runs = runs_below(point.stack.output_keys(point.release))
    folders = {folder for folder, _ in runs}
    is_complete = len(runs) == len(folders) == scenario.packages + scenario.thumbnails
    checks.expect(is_complete, f"the bucket has the output of {sorted(runs)}")
    is_free = "lease_expires_at" not in item and "due_at" not in item
    checks.expect(is_free, "the job still has a lease or is due for the sweeper")
    # A package contains its date, so it is the same only on the same day.
    if job["created_at"][:10] == reference.details["created_at"][:10]:
        checks.expect(point.package == reference.package, "its package differs from the reference")
    if not scenario.packages:
        is_same = job["result"] == reference.details["result"]
        checks.expect(is_same, "its result differs from the reference")
    elif scenario.packages == 2 or scenario.job_type == "packaging":
        checks.expect(str(point.job) in folders, "its output is not the current package")


def check_duplicate(checks: Checks, point: CrashPoint) -> None:
    """Delivers the message once more and checks that only the count of duplicates changes."""
    assert point.job
    job, before = point.job, point.details
    count = before["duplicate_deliveries"] + 1
    point.deliver_again()

    def is_counted() -> bool:
        return bool(point.owner.job(job)["duplicate_deliveries"] == count)

    wait_until(is_counted, "the duplicate to be counted")
    after = point.owner.job(job)
    is_same = after == before | {"duplicate_deliveries": count}
    checks.expect(is_same, "another delivery of its message changed the job")


def check_next_job(checks: Checks, point: CrashPoint) -> None:
    """Runs another job on the release, which must start at once."""
    if not point.scenario.packages:
        return
    user: User = point.owner
    job = user.run_job(job_type="dirfix", release_id=point.release)
    runs_at_once = (job["status"], len(job["attempts"])) == ("completed", 1)
    checks.expect(runs_at_once, f"the next job of the release ended with {job['error']}")
