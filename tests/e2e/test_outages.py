"""What clients see, and what is left, when DynamoDB or SQS is away, throttles, or refuses."""

import contextlib
import json
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from faults import Gone, proxy, refusal
from runtime import event, running, serving
from support import OWNER, UNKNOWN, aws, eventually, someone

NOWHERE = "http://127.0.0.1:1"
READS_TABLE = (
    "list-jobs", "create-job", "get-job", "update-job", "get-job-status", "get-job-logs", "cancel-job", "submit-job",
    "retry-job", "get-job-analysis", "list-release-jobs", "create-release", "get-release", "restore-package",
    "add-release-file", "list-release-files",
)


def throttled(*_):
    problem = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "Rate exceeded"}
    return 400, {"content-type": "application/x-amz-json-1.0"}, json.dumps(problem).encode()


@contextlib.contextmanager
def losing(operation):
    """A way to AWS on which the answer to the first such call is lost, though it was carried out."""
    lost = []

    def answered(call):
        if call.operation == operation and not lost:
            lost.append(call)
            raise Gone

    with proxy(lambda call: None, answered) as address:
        yield address
    assert lost, f"there was no {operation}"


def asks(user, function, id=UNKNOWN, body=None):
    """The function's sample event, sent by `user`, about the job `id`."""
    text = json.dumps(event(function)).replace(str(UNKNOWN), str(id))
    made = json.loads(text)
    made["requestContext"]["authorizer"]["lambda"] = {"user_id": user.id, "admin": False}
    return made | ({"body": json.dumps(body)} if body else {})


def submits(user):
    """The delivery of a message with which a producer has a file of the user's analysed."""
    request = event("process-jobs")
    body = {"job_type": "analysis", "created_by": user.id, "release_id": user.release({"book.txt": b"Once"})}
    request["Records"][0] |= {"body": json.dumps(body), "messageId": f"submits-{time.time_ns()}"}
    return request


class Outages(unittest.TestCase):
    def unavailable(self, answer):
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        self.assertEqual(answer["statusCode"], 503, answer)
        self.assertEqual(headers["content-type"], "application/problem+json")
        self.assertGreater(int(headers["retry-after"]), 0)
        problem = json.loads(answer["body"])
        self.assertEqual((problem["type"], problem["status"]), ("urn:jobs:unavailable", 503))
        self.assertTrue(problem["request_id"])

    def test_without_dynamodb_every_route_says_try_again(self):
        def ask(function):
            with running(function, AWS_ENDPOINT_URL_DYNAMODB=NOWHERE) as invoke:
                return invoke(event(function))

        with ThreadPoolExecutor(3) as pool:
            for function, answer in zip(READS_TABLE, pool.map(ask, READS_TABLE)):
                with self.subTest(function):
                    self.unavailable(answer)

    def test_throttling_says_try_again(self):
        with serving(throttled) as address:
            for function in ("get-job", "list-jobs", "create-job", "cancel-job"):
                with self.subTest(function):
                    with running(function, AWS_ENDPOINT_URL_DYNAMODB=f"http://{address}") as invoke:
                        self.unavailable(invoke(event(function)))

    def test_a_job_that_cannot_be_queued_is_not_created(self):
        user, body = someone(), {"job_type": "nfofix"}
        request = asks(user, "create-job", body=body)
        request["headers"]["idempotency-key"] = "once"
        with running("create-job", AWS_ENDPOINT_URL_SQS=NOWHERE) as invoke:
            self.unavailable(invoke(request))
        self.assertEqual(user.get("/api/jobs").body["jobs"], [])
        # Nor is its key taken.
        self.assertEqual(user.post("/api/jobs", body, idempotency_key="once").status, 202)

    def test_a_job_whose_queue_throttles_is_not_created(self):
        user = someone()
        with serving(throttled) as address:
            with running("create-job", AWS_ENDPOINT_URL_SQS=f"http://{address}") as invoke:
                self.unavailable(invoke(asks(user, "create-job", body={"job_type": "nfofix"})))
        self.assertEqual(user.get("/api/jobs").body["jobs"], [])

    def test_a_job_whose_answer_was_lost_on_its_way_is_created_once(self):
        user = someone()
        with losing("PutItem") as address, running("create-job", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            answer = invoke(asks(user, "create-job", body={"job_type": "nfofix"}))
        self.assertEqual(answer["statusCode"], 202)
        jobs = user.get("/api/jobs").body["jobs"]
        self.assertEqual([job["id"] for job in jobs], [json.loads(answer["body"])["id"]])

    def test_a_change_and_a_submission_whose_answers_were_lost_were_carried_out(self):
        user = someone()
        draft = user.draft()
        with losing("UpdateItem") as address, running("update-job", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            changed = invoke(asks(user, "update-job", draft, {"job_type": "nfofix"}))
        self.assertEqual((changed["statusCode"], json.loads(changed["body"])["job_type"]), (200, "nfofix"))
        with losing("UpdateItem") as address, running("submit-job", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            submitted = invoke(asks(user, "submit-job", draft))
        # By then the job may have run.
        self.assertEqual(submitted["statusCode"], 202, submitted)

    def test_a_package_whose_answer_was_lost_is_restored(self):
        user = someone()
        release = user.release({"book.txt": b"Once"}, metadata={"title": "A Book"})
        config = {"release_name": "Ada.Example-A.Tested.Book-2026-GRP"}
        first, _ = [
            user.run(job_type="packaging", release_id=release, config_json=config | {"compression": level})["id"]
            for level in ("store", "high")
        ]
        request = asks(user, "restore-package", body={"job_id": first})
        request = json.loads(json.dumps(request).replace(str(UNKNOWN + 1), str(release)))
        with losing("UpdateItem") as address, running("restore-package", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            answer = invoke(request)
        self.assertEqual((answer["statusCode"], json.loads(answer["body"])["package"]["job_id"]), (200, first))

    def test_a_run_that_was_given_back_goes_on_even_if_that_answer_was_lost(self):
        user, lost = someone(), []
        request = submits(user)

        def asked(call):
            return refusal(call) if call.service == "S3" else None

        def answered(call):
            # Once S3 has been asked, the run is at work: what it writes then is a heartbeat or its end.
            if call.operation == "UpdateItem" and user.get("/api/jobs").body["jobs"][0]["status"] == "pending" and not lost:
                lost.append(call)
                raise Gone

        with proxy(asked, answered) as address, running("process-jobs", AWS_ENDPOINT_URL=address) as invoke:
            self.assertEqual(invoke(request), {"batchItemFailures": []})
        self.assertTrue(lost)
        [job] = user.get("/api/jobs").body["jobs"]
        self.assertEqual(user.get(f"/api/jobs/{job['id']}/status").body["waiting_for"]["reason"], "backoff")
        # The message for the next run was sent: the sweeper would only come after a minute more.
        done = eventually(lambda: user.get(f"/api/jobs/{job['id']}").body["status"] == "completed", "the next run", 45)
        self.assertTrue(done)

    def test_a_claim_whose_answer_was_lost_on_its_way_is_one(self):
        user = someone()
        request = submits(user)
        # The first update of a run is its claim.
        with losing("UpdateItem") as address, running("process-jobs", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            self.assertEqual(invoke(request), {"batchItemFailures": []})
        [job] = user.get("/api/jobs").body["jobs"]
        details = user.get(f"/api/jobs/{job['id']}").body
        self.assertEqual((details["status"], details["attempt"], len(details["attempts"])), ("completed", 1, 1))
        self.assertEqual(details["duplicate_deliveries"], 0)

    def test_a_job_whose_result_cannot_be_written_in_an_outage_does_not_fail(self):
        user, asked = someone(), []
        request = submits(user)

        def refuses(call):
            """The first transaction makes the job, all others would complete it."""
            if call.operation == "TransactWriteItems":
                asked.append(call)
                return refusal(call) if len(asked) > 1 else None

        with proxy(refuses) as address, running("process-jobs", AWS_ENDPOINT_URL_DYNAMODB=address) as invoke:
            self.assertEqual(len(invoke(request)["batchItemFailures"]), 1)
        self.assertGreater(len(asked), 5)
        [job] = user.get("/api/jobs").body["jobs"]
        self.assertEqual((job["status"], job["error"]), ("running", None))

    def test_a_job_that_a_repeated_request_was_told_of_is_not_withdrawn(self):
        user, told = someone(), []
        request = asks(user, "create-job", body={"job_type": "nfofix"})
        request["headers"]["idempotency-key"] = "once"

        def slow(call):
            told.append(user.post("/api/jobs", {"job_type": "nfofix"}, idempotency_key="once"))
            return refusal(call)

        with proxy(slow) as address, running("create-job", AWS_ENDPOINT_URL_SQS=address) as invoke:
            answer = invoke(request)
        [job] = user.get("/api/jobs").body["jobs"]
        self.assertEqual({each.body["id"] for each in told}, {job["id"]})
        # The message could not be sent; the job stands, and the sweeper sends another.
        self.assertEqual((answer["statusCode"], json.loads(answer["body"])["id"]), (202, job["id"]))

    def test_a_draft_that_cannot_be_queued_stays_a_draft(self):
        job = OWNER.draft(job_type="nfofix")
        with running("submit-job", AWS_ENDPOINT_URL_SQS=NOWHERE) as invoke:
            self.unavailable(invoke(asks(OWNER, "submit-job", job)))
        self.assertEqual(OWNER.get(f"/api/jobs/{job}/status").body["status"], "draft")
        self.assertEqual(OWNER.put(f"/api/jobs/{job}/submit").status, 202)

    def test_a_retry_that_cannot_be_queued_makes_no_job(self):
        user = someone()
        job = user.draft(job_type="nfofix")
        user.put(f"/api/jobs/{job}/cancel")
        with running("retry-job", AWS_ENDPOINT_URL_SQS=NOWHERE) as invoke:
            self.unavailable(invoke(asks(user, "retry-job", job)))
        self.assertEqual([each["id"] for each in user.get("/api/jobs").body["jobs"]], [job])

    def test_a_message_that_cannot_be_dealt_with_comes_again_soon(self):
        sqs = aws("sqs")
        queue = sqs.create_queue(QueueName=f"outage-{someone().id}", Attributes={"VisibilityTimeout": "5400"})["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"job_type": "nfofix", "created_by": someone().id}))
        [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        request = event("process-jobs")
        given = {"body": message["Body"], "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"]}
        request["Records"][0] |= given
        with running("process-jobs", AWS_ENDPOINT_URL_DYNAMODB=NOWHERE, QUEUE_URL=queue) as invoke:
            self.assertEqual(invoke(request), {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]})

        def comes():
            return sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages")

        self.assertEqual([again["MessageId"] for again in eventually(comes)], [message["MessageId"]])
        sqs.delete_queue(QueueUrl=queue)

    def test_a_mistake_of_ours_shows_a_request_id_and_no_internals(self):
        for function in ("get-job", "create-job", "list-jobs", "cancel-job"):
            with self.subTest(function), running(function, TABLE_NAME="no-such-table") as invoke:
                answer = invoke(event(function))
                self.assertEqual(answer["statusCode"], 500, answer)
                problem = json.loads(answer["body"])
                self.assertEqual(set(problem), {"type", "title", "status", "detail", "request_id"})
                self.assertEqual(problem["type"], "urn:jobs:internal")
                self.assertEqual(problem["request_id"], event(function)["requestContext"]["requestId"])
                for internal in ("table", "dynamo", "no-such", "resource", "127.0.0.1"):
                    self.assertNotIn(internal, answer["body"].lower())


if __name__ == "__main__":
    unittest.main(verbosity=2)
