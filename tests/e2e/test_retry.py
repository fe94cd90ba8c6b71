"""Retries of failed and cancelled jobs."""

from collections.abc import Callable

import pytest

from api import User, assert_problem
from samples import completed_job, failed_job

MakeJob = Callable[[User], int]


def cancelled_job(user: User) -> int:
    """Cancels a draft that has all that a job can have; returns its id."""
    config = {"dry_run": True}
    release = user.create_release()
    return user.cancelled_draft(job_type="nfofix", config_json=config, release_id=release)


@pytest.mark.parametrize("make_job", [failed_job, cancelled_job])
def test_failed_or_cancelled_job_is_retried_as_a_new_job(
    owner: User, admin: User, make_job: MakeJob
) -> None:
    old = make_job(owner)
    for user in (owner, admin):
        before = owner.job(old)
        answer = user.post(f"/api/jobs/{old}/retry")
        new = answer.body
        assert (answer.status, new["status"], new["retry_of"]) == (202, "pending", old)
        assert answer.headers["location"] == f"/api/jobs/{new['id']}"
        for name in ("job_type", "release_id", "config_json", "created_by"):
            assert new[name] == before[name], name
        assert owner.job(old) == before | {"retried_by": new["id"]}


@pytest.mark.parametrize("make_job", [User.create_draft, completed_job])
def test_draft_or_completed_job_is_not_retried(owner: User, make_job: MakeJob) -> None:
    answer = owner.post(f"/api/jobs/{make_job(owner)}/retry")
    assert_problem(answer, 409, "job-not-retryable")


def test_idempotency_key_makes_one_retry(owner: User) -> None:
    path = f"/api/jobs/{failed_job(owner)}/retry"
    first, again = (owner.post(path, idempotency_key="retry") for _ in range(2))
    assert (first.status, again.status) == (202, 200)
    assert first.body["id"] == again.body["id"]
