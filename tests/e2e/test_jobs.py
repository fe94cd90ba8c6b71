"""Jobs: how they are created and read, and how long they are kept."""

import os
import re
import time

import pytest

from api import FINAL, User, assert_problem
from routes import JOB_ROUTES
from samples import RELEASE_NAME, TEXT_FILE, completed_job, failed_job
from stack import Stack
from waiting import wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LOG_LINE = re.compile(rf"{TIME.pattern} \[(DEBUG|INFO|WARNING|ERROR)\] .")
ANALYSIS = {"metadata", "mediainfo", "structure", "contents", "accessibility", "cover", "pdf"}
ANALYSIS |= {"images", "findings", "findings_total"}
JOB = {
    "id",
    "release_id",
    "status",
    "job_type",
    "config_json",
    "progress",
    "step",
    "message",
    "attempt",
    "result",
    "error",
    "created_at",
    "created_by",
    "updated_at",
    "started_at",
    "finished_at",
}
STATUS = {
    "job_id",
    "status",
    "progress",
    "step",
    "message",
    "attempt",
    "created_at",
    "started_at",
    "updated_at",
    "finished_at",
    "error",
    "waiting_for",
    "poll_after",
    "cancelled_by",
    "cancelled_at",
    "cancel_reason",
}
DAY = 86_400  # seconds


def test_job_is_accepted_with_its_location(owner: User) -> None:
    release = owner.create_release()
    given = {"job_type": "nfofix", "release_id": release, "config_json": {"dry_run": True}}
    answer = owner.post("/api/jobs", given)
    job = answer.body
    assert answer.status == 202
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    assert set(job) >= JOB
    expected = given | {
        "status": "pending",
        "progress": 0,
        "attempt": 0,
        "result": None,
        "error": None,
        "created_by": owner.id,
        "started_at": None,
        "finished_at": None,
    }
    assert {name: job[name] for name in expected} == expected
    assert TIME.match(job["created_at"])


def test_draft_is_created_with_its_location(owner: User) -> None:
    answer = owner.post("/api/jobs", {"draft": True})
    draft = answer.body
    assert (answer.status, draft["status"], draft["job_type"]) == (201, "draft", None)
    assert answer.headers["location"] == f"/api/jobs/{draft['id']}"


def test_ids_grow_with_time_and_are_exact_in_json(owner: User) -> None:
    ids = [owner.create_draft() for _ in range(5)]
    assert ids == sorted(set(ids))
    assert all(1 <= job_id <= 2**53 - 1 for job_id in ids), ids


def test_idempotency_key_makes_one_job(owner: User) -> None:
    release = owner.create_release()
    config = {"dry_run": True}
    body = {"job_type": "nfofix", "release_id": release, "config_json": config}
    first, again = (owner.post("/api/jobs", body, idempotency_key="k" * 128) for _ in range(2))
    assert (first.status, again.status) == (202, 200)
    assert first.body["id"] == again.body["id"]
    assert len(wait_until(owner.jobs, "the job in the list")) == 1


def test_idempotency_key_is_valid_for_one_body(owner: User) -> None:
    assert owner.post("/api/jobs", {"draft": True}, idempotency_key="k").status == 201
    other = {"draft": True, "job_type": "nfofix"}
    answer = owner.post("/api/jobs", other, idempotency_key="k")
    assert_problem(answer, 409, "idempotency-key-reused")


def test_idempotency_key_belongs_to_its_user(owner: User, stranger: User) -> None:
    ids = {
        user.post("/api/jobs", {"draft": True}, idempotency_key="same").body["id"]
        for user in (owner, stranger)
    }
    assert len(ids) == 2


def test_only_the_owner_and_an_admin_create_jobs_of_a_release(
    owner: User, stranger: User, admin: User
) -> None:
    body = {"draft": True, "release_id": owner.create_release()}
    assert_problem(stranger.post("/api/jobs", body), 403, "forbidden")
    assert admin.post("/api/jobs", body).status == 201


@pytest.mark.parametrize("route", JOB_ROUTES)
def test_stranger_has_no_access(owner: User, stranger: User, route: str) -> None:
    job = owner.create_draft(job_type="analysis")
    assert_problem(stranger.call_route(route, job), 403, "forbidden")
    assert owner.job(job)["status"] == "draft"


def test_owner_and_admin_read_a_completed_job(owner: User, admin: User) -> None:
    job = completed_job(owner)
    for user in (owner, admin):
        details = user.job(job)
        assert set(details) >= JOB | {"logs", "logs_truncated"}
        ended = (details["status"], details["progress"], details["attempt"])
        assert ended == ("completed", 100, 1)
        assert details["error"] is None
        assert set(details["result"]) == ANALYSIS
        assert not details["logs_truncated"]
        for line in details["logs"].splitlines():
            assert LOG_LINE.match(line)


def test_times_of_a_job_are_in_order(owner: User) -> None:
    details = owner.job(completed_job(owner))
    times = [details[name] for name in ("created_at", "started_at", "finished_at", "updated_at")]
    for text in times:
        assert TIME.match(text)
    assert times == sorted(times)


def test_failed_job_says_why(owner: User) -> None:
    job = failed_job(owner)
    status = owner.status(job)
    assert set(status["error"]) == {"code", "message"}
    assert (status["status"], status["error"]["code"]) == ("failed", "nfo_missing")
    details = owner.job(job)
    assert details["result"] is None
    assert status["error"]["message"].removesuffix(".") in details["logs"]


@pytest.mark.parametrize("job_type", ["analysis", "packaging"])
def test_job_without_source_files_fails(owner: User, job_type: str) -> None:
    job = owner.run_job(job_type=job_type, release_id=owner.create_release())
    assert (job["status"], job["error"]["code"]) == ("failed", "source_missing")
    assert "no source files" in job["error"]["message"]


def test_status_has_what_a_poller_needs(owner: User, admin: User) -> None:
    job = completed_job(owner)
    for path in (f"/api/jobs/{job}/status", f"/api/wizard/jobs/{job}/status"):
        for user in (owner, admin):
            status = user.get(path).body
            assert set(status) == STATUS
            shown = (status["job_id"], status["status"], status["progress"])
            assert shown == (job, "completed", 100)


def test_progress_rises_and_is_100_only_once_completed(owner: User) -> None:
    release = owner.create_release({f"{number}.bin": os.urandom(4 << 20) for number in range(4)})
    config = {"compression": "high"}
    job = owner.create_job(job_type="packaging", release_id=release, config_json=config)
    seen: list[tuple[str, int]] = []

    def is_final() -> bool:
        status = owner.status(job)
        seen.append((status["status"], status["progress"]))
        return status["status"] in FINAL

    wait_until(is_final, "the job to end")
    progress = [each for _, each in seen]
    assert progress == sorted(progress)
    assert seen[-1] == ("completed", 100)
    assert 100 not in [each for status, each in seen if status != "completed"]


def test_analysis_is_shown_once_it_has_finished(owner: User, admin: User, stranger: User) -> None:
    release = owner.create_release(TEXT_FILE)
    job = owner.create_draft(job_type="analysis", release_id=release)
    path = f"/api/wizard/jobs/{job}/analysis"
    answer = owner.get(path)
    assert_problem(answer, 409, "analysis-not-finished")
    assert answer.body["job_status"] == "draft"
    assert owner.put(f"/api/jobs/{job}/submit").status == 202
    assert owner.wait_for_end(job)["status"] == "completed"
    for user in (owner, admin):
        found = user.get(path).body
        assert set(found) == ANALYSIS | {"job_id"}
        assert (found["job_id"], found["mediainfo"]["format"]) == (job, "text")
    assert_problem(stranger.get(path), 403, "forbidden")


@pytest.mark.parametrize("fields", [{"job_type": "nfofix"}, {}], ids=str)
def test_job_of_another_type_has_no_analysis(owner: User, fields: dict[str, str]) -> None:
    answer = owner.get(f"/api/wizard/jobs/{owner.create_draft(**fields)}/analysis")
    assert_problem(answer, 404, "analysis-not-found")


def expiry_times(stack: Stack, job: int) -> dict[str, int]:
    """Returns when each item of a job expires, in seconds, by sort key."""
    found = stack.dynamodb.query(
        TableName=stack.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"JOB#{job}"}},
    )
    return {item["sk"]["S"]: int(item["expires_at"]["N"]) for item in found["Items"]}


def test_job_expires_before_its_parts_and_counts_from_its_submission(
    stack: Stack, owner: User
) -> None:
    release = owner.create_release(TEXT_FILE)
    config = {"release_name": RELEASE_NAME, "template": "{{ title }}\n" * 100}
    draft = owner.create_draft(job_type="packaging", release_id=release, config_json=config)
    created = time.time()
    before = expiry_times(stack, draft)
    assert set(before) == {"META", "META#CONFIG"}
    # Expiry counts in whole seconds.
    wait_until(lambda: time.time() >= created + 1, "the next second")
    assert owner.put(f"/api/jobs/{draft}/submit").status == 202
    owner.wait_for_end(draft)
    after = expiry_times(stack, draft)
    assert after["META"] > before["META"]
    assert len(after) > 2
    for part in set(after) - {"META"}:
        assert after[part] >= after["META"] + 7 * DAY, part
