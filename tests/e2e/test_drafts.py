"""Drafts: how they are changed and submitted."""

from collections.abc import Callable

import pytest

from api import FINAL, User, assert_problem
from samples import completed_job, failed_job


def test_patch_is_merged(owner: User) -> None:
    config = {"compression": "high", "group": "GRP"}
    job = owner.create_draft(job_type="packaging", config_json=config)
    patch = {"config_json": {"compression": None, "volume_size": 65_536}}
    answer = owner.patch(f"/api/jobs/{job}", patch)
    assert (answer.status, answer.body["job_type"]) == (200, "packaging")
    assert answer.body["config_json"] == {"group": "GRP", "volume_size": 65_536}
    assert owner.job(job)["config_json"] == answer.body["config_json"]


def test_patch_sets_and_clears_type_and_release(owner: User, admin: User) -> None:
    job, release = owner.create_draft(), owner.create_release()
    path = f"/api/jobs/{job}"
    draft = owner.patch(path, {"job_type": "nfofix", "release_id": release}).body
    assert (draft["job_type"], draft["release_id"]) == ("nfofix", release)
    cleared = admin.patch(path, {"job_type": None, "release_id": None}).body
    assert (cleared["job_type"], cleared["release_id"]) == (None, None)
    assert cleared["created_by"] == owner.id


def test_rejected_patch_changes_nothing(owner: User, stranger: User) -> None:
    config = {"compression": "high"}
    job = owner.create_draft(job_type="packaging", config_json=config)
    answer = owner.patch(f"/api/jobs/{job}", {"job_type": "nfofix"})
    assert_problem(answer, 400, "invalid-request", "config_json.compression")
    answer = owner.patch(f"/api/jobs/{job}", {"release_id": stranger.create_release()})
    assert_problem(answer, 403, "forbidden")
    kept = owner.job(job)
    assert (kept["job_type"], kept["config_json"]) == ("packaging", config)


def test_owner_and_admin_submit_a_draft(owner: User, admin: User) -> None:
    for user in (owner, admin):
        job = owner.create_draft(job_type="nfofix", release_id=owner.create_release())
        answer = user.put(f"/api/jobs/{job}/submit")
        assert (answer.status, answer.body["status"]) == (202, "pending")
        assert owner.wait_for_end(job)["status"] in FINAL


@pytest.mark.parametrize("make_job", [completed_job, failed_job, User.cancelled_draft])
def test_final_job_is_neither_changed_nor_submitted(
    owner: User, make_job: Callable[[User], int]
) -> None:
    job = make_job(owner)
    assert_problem(owner.patch(f"/api/jobs/{job}", {"release_id": None}), 409, "job-not-draft")
    assert_problem(owner.put(f"/api/jobs/{job}/submit"), 409, "job-not-draft")
