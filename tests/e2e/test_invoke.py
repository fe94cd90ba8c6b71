"""Every function alone, through `cargo lambda invoke`, with its sample event."""

import json
import subprocess
import sys
import tempfile
import unittest

from support import OWNER, ROOT, UNKNOWN, eventually, someone

EVENTS = ROOT / "tests/fixtures/events"
NOT_FOUND = {
    "get-job", "update-job", "get-job-status", "get-job-logs", "cancel-job", "submit-job", "retry-job",
    "get-job-analysis", "list-release-jobs", "get-release", "restore-package", "add-release-file", "list-release-files",
}


def invoke(function, replaced=None):
    """Invokes `function` with its sample event, in which texts are `replaced`; gives its answer."""
    event = (EVENTS / f"{function}.json").read_text()
    for old, new in (replaced or {}).items():
        assert old in event, f"{function}.json does not hold {old}"
        event = event.replace(old, str(new))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(event)
        file.flush()
        command = [sys.executable, str(ROOT / "scripts/invoke.py"), function, file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def http(function, replaced=None):
    answer = invoke(function, replaced)
    assert not answer["isBase64Encoded"], answer
    return answer["statusCode"], json.loads(answer["body"])


class EveryFunction(unittest.TestCase):
    def test_each_has_its_event(self):
        functions = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
        self.assertEqual(functions, {path.stem for path in EVENTS.glob("*.json")})

    def test_what_the_sample_event_names_is_unknown(self):
        for function in sorted(NOT_FOUND):
            with self.subTest(function):
                status, problem = http(function)
                self.assertEqual(status, 404)
                kind = "release" if "release" in function or "package" in function else "job"
                self.assertEqual(problem["type"], f"urn:jobs:{kind}-not-found")

    def test_what_needs_nothing_succeeds(self):
        status, page = http("list-jobs")
        self.assertEqual((status, set(page)), (200, {"jobs", "next_cursor"}))
        status, job = http("create-job")
        self.assertEqual((status, job["status"], job["created_by"]), (201, "draft", 7))
        status, release = http("create-release")
        self.assertEqual((status, release["group"], release["user_id"]), (201, "DEMO", 7))
        status, health = http("get-health")
        self.assertEqual((status, health["status"]), (200, "ok"))

    def test_a_real_job_is_read(self):
        release = OWNER.release({"notes.txt": b"Hello\r\n"})
        job = OWNER.run(job_type="analysis", release_id=release)
        self.assertEqual(job["status"], "completed", job)
        real = {str(UNKNOWN): job["id"]}
        for function, field in [("get-job", "id"), ("get-job-status", "job_id"), ("get-job-logs", "job_id"),
                                ("get-job-analysis", "job_id")]:
            with self.subTest(function):
                status, body = http(function, real)
                self.assertEqual((status, body[field]), (200, job["id"]))

    def test_a_real_release_is_read(self):
        release = OWNER.release({"notes.txt": b"Hello\r\n"})
        job = OWNER.draft(release_id=release)
        real = {str(UNKNOWN + 1): release}
        self.assertEqual(http("get-release", real)[1]["id"], release)
        self.assertEqual([each["id"] for each in http("list-release-jobs", real)[1]["jobs"]], [job])
        self.assertEqual([each["path"] for each in http("list-release-files", real)[1]["files"]], ["source/notes.txt"])
        self.assertEqual(http("add-release-file", real)[0], 201)

    def test_a_draft_is_changed_submitted_and_cancelled(self):
        job = OWNER.draft()
        real = {str(UNKNOWN): job}
        status, changed = http("update-job", real)
        self.assertEqual((status, changed["job_type"]), (200, "packaging"))
        self.assertEqual(http("submit-job", real)[0], 202)
        cancelled = OWNER.draft(job_type="packaging")
        self.assertEqual(http("cancel-job", {str(UNKNOWN): cancelled})[0], 200)
        status, retried = http("retry-job", {str(UNKNOWN): cancelled})
        self.assertEqual((status, retried["retry_of"]), (202, cancelled))

    def test_a_token_is_checked(self):
        refused = invoke("authorize")
        self.assertEqual(refused, {"isAuthorized": False, "context": {"user_id": 0, "admin": False}})
        given = {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOjd9.": OWNER.headers["authorization"]}
        taken = invoke("authorize", given)
        self.assertEqual(taken, {"isAuthorized": True, "context": {"user_id": 7, "admin": False}})

    def test_a_message_becomes_a_job(self):
        producer = someone()
        given = {r"\"created_by\": 7": rf"\"created_by\": {producer.id}"}
        for _ in range(2):  # delivered again
            self.assertEqual(invoke("process-jobs", given), {"batchItemFailures": []})
        jobs = eventually(lambda: producer.get("/api/jobs").body["jobs"], "the job")
        self.assertEqual([(job["job_type"], job["status"]) for job in jobs], [("analysis", "failed")])

    def test_a_dead_message_is_dealt_with_or_given_back(self):
        self.assertEqual(invoke("fail-dead-jobs"), {"batchItemFailures": []})
        given_back = invoke("fail-dead-jobs", {rf"{{\"job_id\": {UNKNOWN}}}": "not json"})
        self.assertEqual(len(given_back["batchItemFailures"]), 1)

    def test_a_sweep_ends(self):
        self.assertIsNone(invoke("sweep-jobs"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
