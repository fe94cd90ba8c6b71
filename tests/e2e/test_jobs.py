"""Jobs: created, read, changed, submitted, cancelled and tried again."""

import os
import re
import time
import unittest

from support import ADMIN, ENV, FINAL, JOB_ROUTES, OWNER, STRANGER, Case, aws, below, eventually, someone

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JOB = {
    "id", "release_id", "status", "job_type", "config_json", "progress", "step", "message", "attempt", "result",
    "error", "created_at", "created_by", "updated_at", "started_at", "finished_at",
}
STATUS = {
    "job_id", "status", "progress", "step", "message", "attempt", "created_at", "started_at", "updated_at",
    "finished_at", "error",
}
TEXT = {"notes.txt": b"Hello\r\n"}


def completed(user=OWNER):
    return user.run(job_type="analysis", release_id=user.release(TEXT))["id"]


def failed(user=OWNER):
    return user.run(job_type="nfofix", release_id=user.release())["id"]


def cancelled(user=OWNER, **fields):
    job = user.draft(**fields)
    assert user.put(f"/api/jobs/{job}/cancel").status == 200
    return job


def running(user):
    """A job that takes a while, once it runs; gives it and its release."""
    release = user.release({"0.bin": os.urandom(16 << 20)})
    source = f"releases/{release}/source/"
    for number in range(1, 16):
        aws("s3").copy_object(
            Bucket=ENV["BUCKET_NAME"], Key=f"{source}{number}.bin",
            CopySource={"Bucket": ENV["BUCKET_NAME"], "Key": f"{source}0.bin"},
        )
    return writing(user, "packaging", release), release


def writing(user, job_type, release):
    """A job, once it writes its archive."""
    job = user.create(job_type=job_type, release_id=release, config_json={"compression": "high"})

    def is_writing():
        status = user.get(f"/api/jobs/{job}/status").body
        assert status["status"] not in FINAL, status
        return status["step"] == "archive" and status["progress"] > 0

    eventually(is_writing, "the job to write its archive")
    return job


class Retention(Case):
    def test_a_job_goes_before_its_parts_and_counts_from_its_submission(self):
        user = someone()
        large = {"release_name": "Ada.Example-A.Tested.Book-2026-GRP", "template": "{{ title }}\n" * 100}
        draft = user.draft(job_type="packaging", release_id=user.release(TEXT), config_json=large)

        def items():
            key = {":pk": {"S": f"JOB#{draft}"}}
            found = aws("dynamodb").query(
                TableName=ENV["TABLE_NAME"], KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key
            )
            return {item["sk"]["S"]: int(item["expires_at"]["N"]) for item in found["Items"]}

        before = items()
        self.assertEqual(set(before), {"META", "META#CONFIG"})
        time.sleep(1.1)  # TTL counts in seconds
        self.assertEqual(user.put(f"/api/jobs/{draft}/submit").status, 202)
        eventually(lambda: user.get(f"/api/jobs/{draft}/status").body["status"] in FINAL, "the job to end")
        after = items()
        self.assertGreater(after["META"], before["META"])
        self.assertGreater(len(after), 2)
        for part in set(after) - {"META"}:
            self.assertGreaterEqual(after[part], after["META"] + 7 * 86_400, part)


class Creating(Case):
    def test_a_job_is_accepted_and_tells_where_it_is(self):
        release = OWNER.release()
        given = {"job_type": "nfofix", "release_id": release, "config_json": {"dry_run": True}}
        answer = OWNER.post("/api/jobs", given)
        job = answer.body
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.headers["location"], f"/api/jobs/{job['id']}")
        self.assertLessEqual(JOB, set(job))
        expected = given | {"status": "pending", "progress": 0, "attempt": 0, "result": None, "error": None,
                            "created_by": 7, "started_at": None, "finished_at": None}
        self.assertEqual({name: job[name] for name in expected}, expected)
        self.assertRegex(job["created_at"], TIME)

    def test_a_draft_is_created_and_not_run(self):
        answer = OWNER.post("/api/jobs", {"draft": True})
        self.assertEqual((answer.status, answer.body["status"], answer.body["job_type"]), (201, "draft", None))
        self.assertEqual(answer.headers["location"], f"/api/jobs/{answer.body['id']}")

    def test_ids_grow_with_time_and_are_exact_in_json(self):
        ids = [OWNER.draft() for _ in range(5)]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertTrue(all(1 <= id <= 2**53 - 1 for id in ids), ids)

    def test_a_key_makes_one_job(self):
        user, body = someone(), {"job_type": "nfofix", "config_json": {"dry_run": True}}
        first = user.post("/api/jobs", body, idempotency_key="k" * 128)
        again = user.post("/api/jobs", body, idempotency_key="k" * 128)
        self.assertEqual((first.status, again.status), (202, 200))
        self.assertEqual(first.body["id"], again.body["id"])
        self.assertEqual(len(user.get("/api/jobs").body["jobs"]), 1)

    def test_a_key_is_good_for_one_body(self):
        user = someone()
        self.assertEqual(user.post("/api/jobs", {"draft": True}, idempotency_key="k").status, 201)
        answer = user.post("/api/jobs", {"draft": True, "job_type": "nfofix"}, idempotency_key="k")
        self.refused(answer, 409, "idempotency-key-reused")

    def test_a_key_is_its_users_own(self):
        ids = {someone().post("/api/jobs", {"draft": True}, idempotency_key="same").body["id"] for _ in range(2)}
        self.assertEqual(len(ids), 2)

    def test_only_the_owner_and_an_admin_make_jobs_of_a_release(self):
        body = {"draft": True, "release_id": OWNER.release()}
        self.refused(STRANGER.post("/api/jobs", body), 403, "forbidden")
        self.assertEqual(ADMIN.post("/api/jobs", body).status, 201)


class Reading(Case):
    def test_every_route_is_closed_to_a_stranger(self):
        job = OWNER.draft(job_type="analysis")
        for route in JOB_ROUTES:
            with self.subTest(route):
                self.refused(STRANGER.ask(route, job), 403, "forbidden")
        self.assertEqual(OWNER.get(f"/api/jobs/{job}").body["status"], "draft")

    def test_owner_and_admin_read_a_completed_job(self):
        job = completed()
        for user in (OWNER, ADMIN):
            details = user.get(f"/api/jobs/{job}").body
            self.assertLessEqual(JOB | {"logs", "logs_truncated"}, set(details))
            self.assertEqual((details["status"], details["progress"], details["attempt"]), ("completed", 100, 1))
            self.assertIsNone(details["error"])
            self.assertEqual(set(details["result"]), {"metadata", "mediainfo", "structure"})
            self.assertFalse(details["logs_truncated"])
            for line in details["logs"].splitlines():
                self.assertRegex(line, rf"^{TIME.pattern} \[(DEBUG|INFO|WARNING|ERROR)\] .")

    def test_times_are_in_the_order_of_a_jobs_life(self):
        details = OWNER.get(f"/api/jobs/{completed()}").body
        times = [details[name] for name in ("created_at", "started_at", "finished_at", "updated_at")]
        for time in times:
            self.assertRegex(time, TIME)
        self.assertEqual(times, sorted(times))

    def test_a_failed_job_says_why(self):
        job = failed()
        status = OWNER.get(f"/api/jobs/{job}/status").body
        self.assertEqual(set(status["error"]), {"code", "message"})
        self.assertEqual((status["status"], status["error"]["code"]), ("failed", "nfo_missing"))
        details = OWNER.get(f"/api/jobs/{job}").body
        self.assertIsNone(details["result"])
        self.assertIn(status["error"]["message"], details["logs"])

    def test_a_job_without_its_source_says_what_is_missing(self):
        for job_type in ("analysis", "packaging"):
            job = OWNER.run(job_type=job_type, release_id=OWNER.release())
            self.assertEqual((job["status"], job["error"]["code"]), ("failed", "source_missing"))
            self.assertIn("no source files", job["error"]["message"])

    def test_the_status_is_what_polling_needs(self):
        job = completed()
        for path in (f"/api/jobs/{job}/status", f"/api/wizard/jobs/{job}/status"):
            for user in (OWNER, ADMIN):
                status = user.get(path).body
                self.assertEqual(set(status), STATUS)
                self.assertEqual((status["job_id"], status["status"], status["progress"]), (job, "completed", 100))

    def test_progress_rises_to_100_which_only_a_completed_job_has(self):
        release = OWNER.release({f"{number}.bin": os.urandom(4 << 20) for number in range(4)})
        job = OWNER.create(job_type="packaging", release_id=release, config_json={"compression": "high"})
        seen = []

        def is_final():
            status = OWNER.get(f"/api/jobs/{job}/status").body
            seen.append((status["status"], status["progress"]))
            return status["status"] in FINAL

        eventually(is_final, "the job to end")
        self.assertEqual([progress for _, progress in seen], sorted(progress for _, progress in seen))
        self.assertEqual(seen[-1], ("completed", 100))
        self.assertNotIn(100, [progress for status, progress in seen if status != "completed"])


class Wizard(Case):
    def test_an_analysis_is_shown_once_it_is_finished(self):
        job = OWNER.draft(job_type="analysis", release_id=OWNER.release(TEXT))
        path = f"/api/wizard/jobs/{job}/analysis"
        answer = OWNER.get(path)
        self.refused(answer, 409, "analysis-not-finished")
        self.assertEqual(answer.body["job_status"], "draft")
        self.assertEqual(OWNER.put(f"/api/jobs/{job}/submit").status, 202)
        self.assertEqual(OWNER.ended(job)["status"], "completed")
        for user in (OWNER, ADMIN):
            found = user.get(path).body
            self.assertEqual(set(found), {"job_id", "metadata", "mediainfo", "structure"})
            self.assertEqual((found["job_id"], found["mediainfo"]["format"]), (job, "text"))
        self.refused(STRANGER.get(path), 403, "forbidden")

    def test_another_type_of_job_has_no_analysis(self):
        for draft in ({"job_type": "nfofix"}, {}):
            self.refused(OWNER.get(f"/api/wizard/jobs/{OWNER.draft(**draft)}/analysis"), 404, "analysis-not-found")


class Drafts(Case):
    def test_a_patch_is_merged(self):
        job = OWNER.draft(job_type="packaging", config_json={"compression": "high", "group": "GRP"})
        patch = {"config_json": {"compression": None, "volume_size": 65_536}}
        answer = OWNER.patch(f"/api/jobs/{job}", patch)
        self.assertEqual((answer.status, answer.body["job_type"]), (200, "packaging"))
        self.assertEqual(answer.body["config_json"], {"group": "GRP", "volume_size": 65_536})
        self.assertEqual(OWNER.get(f"/api/jobs/{job}").body["config_json"], answer.body["config_json"])

    def test_a_patch_gives_and_takes_type_and_release(self):
        job, release = OWNER.draft(), OWNER.release()
        given = OWNER.patch(f"/api/jobs/{job}", {"job_type": "nfofix", "release_id": release}).body
        self.assertEqual((given["job_type"], given["release_id"]), ("nfofix", release))
        taken = ADMIN.patch(f"/api/jobs/{job}", {"job_type": None, "release_id": None}).body
        self.assertEqual((taken["job_type"], taken["release_id"], taken["created_by"]), (None, None, 7))

    def test_a_patch_that_breaks_the_rules_changes_nothing(self):
        job = OWNER.draft(job_type="packaging", config_json={"compression": "high"})
        answer = OWNER.patch(f"/api/jobs/{job}", {"job_type": "nfofix"})
        self.refused(answer, 400, "invalid-request", "config_json.compression")
        answer = OWNER.patch(f"/api/jobs/{job}", {"release_id": STRANGER.release()})
        self.refused(answer, 403, "forbidden")
        kept = OWNER.get(f"/api/jobs/{job}").body
        self.assertEqual((kept["job_type"], kept["config_json"]), ("packaging", {"compression": "high"}))

    def test_a_draft_is_submitted_by_its_owner_or_an_admin(self):
        for user in (OWNER, ADMIN):
            job = OWNER.draft(job_type="nfofix")
            answer = user.put(f"/api/jobs/{job}/submit")
            self.assertEqual((answer.status, answer.body["status"]), (202, "pending"))
            self.assertIn(OWNER.ended(job)["status"], FINAL)

    def test_what_is_no_draft_is_neither_changed_nor_submitted(self):
        for job in (completed(), failed(), cancelled()):
            self.refused(OWNER.patch(f"/api/jobs/{job}", {"release_id": None}), 409, "job-not-draft")
            self.refused(OWNER.put(f"/api/jobs/{job}/submit"), 409, "job-not-draft")


class Cancelling(Case):
    def test_a_draft_is_cancelled_again_and_again(self):
        job = OWNER.draft()
        for user in (OWNER, ADMIN, OWNER):
            answer = user.put(f"/api/jobs/{job}/cancel")
            self.assertEqual((answer.status, answer.body["job_id"], answer.body["status"]), (200, job, "cancelled"))
            self.assertTrue(answer.body["message"])

    def test_a_job_that_has_ended_is_not_cancelled(self):
        for job in (completed(), failed()):
            before = OWNER.get(f"/api/jobs/{job}").body
            self.refused(OWNER.put(f"/api/jobs/{job}/cancel"), 409, "job-final")
            self.assertEqual(OWNER.get(f"/api/jobs/{job}").body, before)

    def test_a_running_job_stops_and_leaves_nothing_behind(self):
        user = someone()
        job, release = running(user)
        self.assertEqual(user.put(f"/api/jobs/{job}/cancel").body["status"], "cancelled")
        eventually(lambda: not below(release), "the half-made output to go", 20)
        status = user.get(f"/api/jobs/{job}/status").body
        self.assertEqual((status["status"], status["error"]), ("cancelled", None))
        self.assertLess(status["progress"], 100)
        self.assertIsNone(user.get(f"/api/releases/{release}").body["package"])
        self.assertEqual(user.files(release, "package/"), {})

    def test_a_running_repack_stops_and_leaves_the_package_as_it_was(self):
        user = someone()
        release = user.release({"0.bin": os.urandom(64 << 20)})
        packaged = user.run(job_type="packaging", release_id=release, config_json={"compression": "store"})
        before = below(release)
        job = writing(user, "repack", release)
        answer = user.put(f"/api/jobs/{job}/cancel").body
        self.assertEqual((answer["status"], "stops_by" in answer), ("cancelled", True))
        eventually(lambda: below(release) == before, "the half-made output to go", 20)
        package = user.get(f"/api/releases/{release}").body["package"]
        self.assertEqual((package["job_id"], package["version"]), (packaged["id"], 1))
        log = user.get(f"/api/jobs/{job}").body["logs"]
        self.assertIn(f"Cancelled by user {user.id}; it stopped at the step 'archive'", log.splitlines()[-1])


class Retrying(Case):
    def test_what_failed_or_was_cancelled_is_tried_again_as_a_new_job(self):
        config = {"dry_run": True}
        for old in (failed(), cancelled(job_type="nfofix", config_json=config, release_id=OWNER.release())):
            for user in (OWNER, ADMIN):
                before = OWNER.get(f"/api/jobs/{old}").body
                answer = user.post(f"/api/jobs/{old}/retry")
                new = answer.body
                self.assertEqual((answer.status, new["status"], new["retry_of"]), (202, "pending", old))
                self.assertEqual(answer.headers["location"], f"/api/jobs/{new['id']}")
                for name in ("job_type", "release_id", "config_json", "created_by"):
                    self.assertEqual(new[name], before[name], name)
                self.assertEqual(OWNER.get(f"/api/jobs/{old}").body, before)

    def test_a_draft_and_a_completed_job_are_not_tried_again(self):
        for job in (OWNER.draft(), completed()):
            self.refused(OWNER.post(f"/api/jobs/{job}/retry"), 409, "job-not-retryable")

    def test_a_key_makes_one_retry(self):
        job = failed()
        first, again = (OWNER.post(f"/api/jobs/{job}/retry", idempotency_key=f"retry-{job}") for _ in range(2))
        self.assertEqual((first.status, again.status), (202, 200))
        self.assertEqual(first.body["id"], again.body["id"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
