"""The jobs queue: producers' messages, delivered again and again, and those that can never succeed."""

import json
import random
import tempfile
import unittest

from runtime import event, running
from support import ADMIN, ENV, OWNER, UNKNOWN, Case, aws, eventually, someone

TEXT = {"notes.txt": b"Hello\r\n"}


def send(message):
    """Sends a message as a producer does; an object as JSON."""
    body = message if isinstance(message, str) else json.dumps(message)
    return aws("sqs").send_message(QueueUrl=ENV["QUEUE_URL"], MessageBody=body)["MessageId"]


def dead(bodies):
    """Waits until each of these lies in the dead-letter queue; others' messages are left there."""
    missing, sqs, url = set(bodies), aws("sqs"), ENV["DEAD_LETTER_QUEUE_URL"]

    def arrived():
        given = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages", [])
        for message in given:
            if message["Body"] in missing:
                missing.discard(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return not missing

    eventually(arrived, f"{missing} in the dead-letter queue")


def jobs_of(user):
    return eventually(lambda: user.get("/api/jobs").body["jobs"], f"a job of user {user.id}")


class Producers(Case):
    def test_a_submission_becomes_its_users_job(self):
        user = someone()
        release = user.release(TEXT)
        send({"job_type": "analysis", "release_id": release, "config_json": {"path": "notes.txt"},
              "created_by": user.id})
        [job] = jobs_of(user)
        self.assertEqual(user.ended(job["id"])["status"], "completed")
        details = user.get(f"/api/jobs/{job['id']}").body
        expected = {"job_type": "analysis", "release_id": release, "config_json": {"path": "notes.txt"},
                    "created_by": user.id, "attempt": 1}
        self.assertEqual({name: details[name] for name in expected}, expected)
        self.refused(OWNER.get(f"/api/jobs/{job['id']}"), 403, "forbidden")

    def test_a_key_makes_one_job_of_many_messages(self):
        user = someone()
        message = {"job_type": "analysis", "release_id": user.release(TEXT), "created_by": user.id,
                   "idempotency_key": "k" * 128}
        for _ in range(5):
            send(message)
        [job] = jobs_of(user)
        eventually(lambda: user.get(f"/api/jobs/{job['id']}").body["duplicate_deliveries"] == 4, "the other four")
        self.assertEqual(user.ended(job["id"])["status"], "completed")
        self.assertEqual([each["id"] for each in user.get("/api/jobs").body["jobs"]], [job["id"]])

    def test_without_a_key_every_message_is_its_own(self):
        user = someone()
        for _ in range(2):
            send({"job_type": "nfofix", "created_by": user.id})
        eventually(lambda: len(user.get("/api/jobs").body["jobs"]) == 2, "both jobs")

    def test_a_key_of_the_api_is_not_a_producers(self):
        user = someone()
        user.post("/api/jobs", {"job_type": "nfofix"}, idempotency_key="same")
        send({"job_type": "nfofix", "created_by": user.id, "idempotency_key": "same"})
        eventually(lambda: len(user.get("/api/jobs").body["jobs"]) == 2, "both jobs")

    def test_a_producers_job_without_its_release_fails(self):
        user = someone()
        send({"job_type": "nfofix", "release_id": random.randrange(10**6, 10**12), "created_by": user.id})
        [job] = jobs_of(user)
        status = user.ended(job["id"])
        self.assertEqual((status["status"], status["error"]["code"]), ("failed", "release_missing"))


class Duplicates(unittest.TestCase):
    def duplicates(self, user, job, count):
        """Waits until that many deliveries have been found to be one too many; gives the job."""

        def looked_at():
            details = user.get(f"/api/jobs/{job}").body
            return details if details["duplicate_deliveries"] >= count else None

        return eventually(looked_at, f"{count} duplicates of job {job}")

    def test_a_job_runs_once_however_often_it_is_delivered(self):
        user = someone()
        release = user.release(TEXT)
        job = user.create(job_type="packaging", release_id=release)
        for _ in range(5):
            send({"job_id": job})
        details = self.duplicates(user, job, 5)
        self.assertEqual(user.ended(job)["status"], "completed")
        self.assertEqual((details["attempt"], len(details["attempts"])), (1, 1))
        package = user.get(f"/api/releases/{release}").body["package"]
        self.assertEqual((package["job_id"], package["version"]), (job, 1))

    def test_a_job_that_has_ended_never_changes_again(self):
        user = someone()
        for ended in (user.run(job_type="analysis", release_id=user.release(TEXT)), user.run(job_type="nfofix")):
            send({"job_id": ended["id"]})
            after = self.duplicates(user, ended["id"], ended["duplicate_deliveries"] + 1)
            self.assertEqual(after | {"duplicate_deliveries": 0}, ended | {"duplicate_deliveries": 0})

    def test_what_is_draft_or_cancelled_is_not_started(self):
        draft, cancelled = (OWNER.draft(job_type="analysis", release_id=OWNER.release(TEXT)) for _ in range(2))
        OWNER.put(f"/api/jobs/{cancelled}/cancel")
        with running("process-jobs") as invoke:
            for job in (draft, cancelled):
                before = OWNER.get(f"/api/jobs/{job}").body
                message = event("process-jobs")
                message["Records"][0]["body"] = json.dumps({"job_id": job})
                self.assertEqual(invoke(message), {"batchItemFailures": []})
                self.assertEqual(OWNER.get(f"/api/jobs/{job}").body, before)


class Poison(unittest.TestCase):
    def test_what_can_never_succeed_goes_to_the_dead_letter_queue(self):
        mark = random.randrange(10**9, 10**12)
        dead_letters = [
            f"not json {mark}",
            f'["{mark}"]',
            json.dumps({"job_type": "juggling", "created_by": mark}),
            json.dumps({"job_type": "nfofix", "idempotency_key": f"{mark}"}),
            json.dumps({"job_type": "nfofix", "created_by": mark, "typo": 1}),
            json.dumps({"job_type": "nfofix", "created_by": mark, "config_json": {"dryrun": True}}),
            json.dumps({"job_type": "nfofix", "created_by": "me", "release_id": mark}),
            json.dumps({"job_id": mark, "extra": 1}),
            json.dumps({"job_id": UNKNOWN + mark}),
        ]
        for body in dead_letters:
            send(body)
        dead(dead_letters)
        self.assertEqual(ADMIN.get(f"/api/jobs?user_id={mark}").body["jobs"], [])

    def test_a_key_of_another_submission_goes_to_the_dead_letter_queue(self):
        user = someone()
        message = {"job_type": "nfofix", "created_by": user.id, "idempotency_key": "k"}
        send(message)
        jobs_of(user)
        other = json.dumps(message | {"job_type": "readnfo"})
        send(other)
        dead([other])
        self.assertEqual([job["job_type"] for job in user.get("/api/jobs").body["jobs"]], ["nfofix"])

    def test_poison_holds_up_nobody(self):
        user = someone()
        bodies = [f"poison {number} of {user.id}" for number in range(10)]
        for body in bodies:
            send(body)
        job = user.run(job_type="analysis", release_id=user.release(TEXT))
        self.assertEqual(job["status"], "completed")
        dead(bodies)

    def test_the_log_says_why(self):
        request = event("process-jobs")
        request["Records"][0]["body"] = json.dumps({"job_type": "nfofix", "created_by": 7, "typo": 1})
        # The local AWS may keep the last lines of an invocation until the next one.
        with tempfile.TemporaryFile("w+") as log, running("process-jobs", log) as invoke:
            self.assertEqual(invoke(request)["batchItemFailures"], [])
            log.seek(0)
            self.assertIn("typo is not a known field", log.read())


class UsedUp(unittest.TestCase):
    def test_a_job_whose_deliveries_are_used_up_becomes_failed(self):
        # Its own message lies where nothing reads it: so the job is pending, and stays it.
        nowhere = aws("sqs").create_queue(QueueName=f"nowhere-{random.randrange(10**9)}")["QueueUrl"]
        self.addCleanup(aws("sqs").delete_queue, QueueUrl=nowhere)
        request = event("create-job") | {"body": json.dumps({"job_type": "nfofix"})}
        with running("create-job", QUEUE_URL=nowhere) as invoke:
            job = json.loads(invoke(request)["body"])["id"]
        self.assertEqual(OWNER.get(f"/api/jobs/{job}/status").body["status"], "pending")
        aws("sqs").send_message(QueueUrl=ENV["EXHAUSTED_QUEUE_URL"], MessageBody=json.dumps({"job_id": job}))
        status = OWNER.ended(job)
        self.assertEqual((status["status"], status["error"]["code"]), ("failed", "dead_lettered"))
        page = OWNER.get(f"/api/jobs/{job}/logs?level=ERROR").body
        self.assertIn(status["error"]["message"], page["logs"][-1]["message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
