"""Outages of DynamoDB and SQS: the answers of the API, and the state of jobs afterwards."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api import User
from faults import Call, ConnectionLostError, LostAnswer, Refusal, StartProxy, throttle
from routes import UNKNOWN_ID
from runtime import PROCESSED, Function, StartFunction, delivery, sample_event, serve
from samples import RELEASE_NAME
from stack import Stack
from waiting import wait_until

NOWHERE = "http://127.0.0.1:1"
TABLE_FUNCTIONS = (
    "list-jobs",
    "create-job",
    "get-job",
    "update-job",
    "get-job-status",
    "get-job-logs",
    "cancel-job",
    "submit-job",
    "retry-job",
    "get-job-analysis",
    "list-release-jobs",
    "list-releases",
    "create-release",
    "get-release",
    "update-release",
    "restore-package",
    "add-release-file",
    "list-release-files",
    "delete-file",
    "create-live-ticket",
)
SOME_FUNCTIONS = ("get-job", "list-jobs", "create-job", "cancel-job")

# Has two parameters: the name of a function, and the operation whose answer is lost.
StartLosing = Callable[[str, str], tuple[Function, LostAnswer]]


@pytest.fixture(scope="module")
def throttling_service() -> Iterator[str]:
    """The address of a service that throttles every call."""
    code = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
    body = json.dumps({"__type": code, "message": "Rate exceeded"}).encode()
    answer = (400, {"content-type": "application/x-amz-json-1.0"}, body)
    with serve(lambda *_: answer) as address:
        yield address


@pytest.fixture
def start_losing(start_proxy: StartProxy, start_function: StartFunction) -> StartLosing:
    """Starts a function that does not get the answer to its first call of an operation."""

    def start_losing(name: str, operation: str) -> tuple[Function, LostAnswer]:
        lost = LostAnswer(operation)
        address = start_proxy(after=lost.after)
        return start_function(name, AWS_ENDPOINT_URL_DYNAMODB=address), lost

    return start_losing


def request_by(user: User, function: str, job: int = UNKNOWN_ID, body: object = None) -> Any:
    """Returns the sample event of a function as a request by `user` about `job`."""
    event = json.loads(json.dumps(sample_event(function)).replace(str(UNKNOWN_ID), str(job)))
    event["requestContext"]["authorizer"]["lambda"] = {"user_id": str(user.id), "admin": False}
    return event | ({"body": json.dumps(body)} if body else {})


def nfofix(user: User) -> dict[str, Any]:
    """Returns the body of a job on a new release of the user."""
    return {"job_type": "nfofix", "release_id": user.create_release()}


def analysis_message(user: User) -> Any:
    """Returns the delivery of a message that submits an analysis for the user."""
    release = user.create_release({"book.txt": b"Once"})
    message = {"job_type": "analysis", "created_by": user.id, "release_id": release}
    return delivery(message, f"outage-{user.id}")


def assert_unavailable(answer: Any) -> None:
    """Checks that an answer asks the client to try again."""
    headers = {name.lower(): text for name, text in answer["headers"].items()}
    assert answer["statusCode"] == 503, answer
    assert headers["content-type"] == "application/problem+json"
    assert int(headers["retry-after"]) > 0
    problem = json.loads(answer["body"])
    assert (problem["type"], problem["status"]) == ("urn:jobs:unavailable", 503)
    assert problem["request_id"]


@pytest.mark.slow
@pytest.mark.parametrize("function", TABLE_FUNCTIONS)
def test_route_without_dynamodb_asks_to_try_again(
    start_function: StartFunction, function: str
) -> None:
    running = start_function(function, AWS_ENDPOINT_URL_DYNAMODB=NOWHERE)
    assert_unavailable(running.invoke(sample_event(function)))


@pytest.mark.parametrize("function", ["get-job-status", "get-job-logs"])
def test_wizards_route_without_dynamodb_asks_to_try_again(
    start_function: StartFunction, function: str
) -> None:
    event = json.loads(
        json.dumps(sample_event(function))
        .replace("/api/jobs/{id}", "/api/wizard/jobs/{job_id}")
        .replace("/api/jobs/", "/api/wizard/jobs/")
    )
    event["pathParameters"] = {"job_id": event["pathParameters"]["id"]}
    running = start_function(function, AWS_ENDPOINT_URL_DYNAMODB=NOWHERE)
    assert_unavailable(running.invoke(event))


@pytest.mark.slow
@pytest.mark.parametrize("function", SOME_FUNCTIONS)
def test_throttled_route_asks_to_try_again(
    start_function: StartFunction, throttling_service: str, function: str
) -> None:
    running = start_function(function, AWS_ENDPOINT_URL_DYNAMODB=throttling_service)
    assert_unavailable(running.invoke(sample_event(function)))


@pytest.mark.parametrize("function", SOME_FUNCTIONS)
def test_internal_error_shows_a_request_id_and_no_internals(
    start_function: StartFunction, function: str
) -> None:
    event = sample_event(function)
    answer = start_function(function, TABLE_NAME="no-such-table").invoke(event)
    assert answer["statusCode"] == 500, answer
    problem = json.loads(answer["body"])
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert problem["type"] == "urn:jobs:internal"
    assert problem["request_id"] == event["requestContext"]["requestId"]
    for internal in ("table", "dynamo", "no-such", "resource", "127.0.0.1"):
        assert internal not in answer["body"].lower()


def test_job_that_cannot_be_queued_is_not_created(
    owner: User, start_function: StartFunction
) -> None:
    job = nfofix(owner)
    request = request_by(owner, "create-job", body=job)
    request["headers"]["idempotency-key"] = "once"
    create_job = start_function("create-job", AWS_ENDPOINT_URL_SQS=NOWHERE)
    assert_unavailable(create_job.invoke(request))
    assert owner.jobs() == []
    # Its idempotency key is still free.
    assert owner.post("/api/jobs", job, idempotency_key="once").status == 202


def test_job_whose_queue_throttles_is_not_created(
    owner: User, start_function: StartFunction, throttling_service: str
) -> None:
    create_job = start_function("create-job", AWS_ENDPOINT_URL_SQS=throttling_service)
    assert_unavailable(create_job.invoke(request_by(owner, "create-job", body=nfofix(owner))))
    assert owner.jobs() == []


def test_job_is_created_once_if_its_answer_is_lost(owner: User, start_losing: StartLosing) -> None:
    create_job, lost = start_losing("create-job", "PutItem")
    answer = create_job.invoke(request_by(owner, "create-job", body=nfofix(owner)))
    assert lost.call
    assert answer["statusCode"] == 202
    assert [job["id"] for job in owner.jobs()] == [json.loads(answer["body"])["id"]]


def test_draft_is_changed_if_the_answer_is_lost(owner: User, start_losing: StartLosing) -> None:
    update_job, lost = start_losing("update-job", "UpdateItem")
    draft = owner.create_draft()
    answer = update_job.invoke(request_by(owner, "update-job", draft, {"job_type": "nfofix"}))
    assert lost.call
    assert (answer["statusCode"], json.loads(answer["body"])["job_type"]) == (200, "nfofix")


def test_draft_is_submitted_if_the_answer_is_lost(owner: User, start_losing: StartLosing) -> None:
    submit_job, lost = start_losing("submit-job", "UpdateItem")
    draft = owner.create_draft(**nfofix(owner))
    answer = submit_job.invoke(request_by(owner, "submit-job", draft))
    assert lost.call
    # The job may have run by then.
    assert answer["statusCode"] == 202, answer


def test_package_is_restored_if_the_answer_is_lost(owner: User, start_losing: StartLosing) -> None:
    release = owner.create_release({"book.txt": b"Once"}, metadata={"title": "A Book"})
    first, _ = (
        owner.run_job(
            job_type="packaging",
            release_id=release,
            config_json={"release_name": RELEASE_NAME, "compression": compression},
        )["id"]
        for compression in ("store", "high")
    )
    request = request_by(owner, "restore-package", body={"job_id": first})
    request = json.loads(json.dumps(request).replace(str(UNKNOWN_ID + 1), str(release)))
    restore_package, lost = start_losing("restore-package", "UpdateItem")
    answer = restore_package.invoke(request)
    assert lost.call
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["package"]["job_id"] == first


@pytest.mark.slow
def test_deferred_job_runs_again_if_the_answer_to_its_deferral_is_lost(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    lost: list[Call] = []

    def before(call: Call) -> Refusal | None:
        return throttle(call) if call.service == "S3" else None

    def after(call: Call) -> None:
        # Without S3, a run writes only heartbeats before it defers its job.
        if call.operation == "UpdateItem" and not lost and owner.jobs()[0]["status"] == "pending":
            lost.append(call)
            raise ConnectionLostError

    address = start_proxy(before=before, after=after)
    processor = start_function("process-jobs", AWS_ENDPOINT_URL=address)
    assert processor.invoke(analysis_message(owner)) == PROCESSED
    assert lost
    [job] = owner.jobs()
    assert owner.status(job["id"])["waiting_for"]["reason"] == "backoff"
    # The run has sent the message for the next one, 20 to 30 s later. The sweeper would send
    # another after a further minute.
    wait_until(lambda: owner.job(job["id"])["status"] == "completed", "the next run", 75)


def test_claim_is_kept_if_its_answer_is_lost(owner: User, start_losing: StartLosing) -> None:
    # The first update of a run is its claim.
    processor, lost = start_losing("process-jobs", "UpdateItem")
    assert processor.invoke(analysis_message(owner)) == PROCESSED
    assert lost.call
    [job] = owner.jobs()
    details = owner.job(job["id"])
    assert (details["status"], details["attempt"]) == ("completed", 1)
    assert len(details["attempts"]) == 1
    assert details["duplicate_deliveries"] == 0


@pytest.mark.slow
def test_job_whose_result_cannot_be_written_does_not_fail(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    logged, refused = list[Call](), list[Call]()

    def before(call: Call) -> Refusal | None:
        # The end of the run follows its last log lines.
        if call.operation == "PutItem":
            logged.append(call)
        if not logged or call.operation != "UpdateItem":
            return None
        refused.append(call)
        return throttle(call)

    address = start_proxy(before=before)
    processor = start_function("process-jobs", AWS_ENDPOINT_URL_DYNAMODB=address)
    answer = processor.invoke(analysis_message(owner))
    assert len(answer["batchItemFailures"]) == 1
    assert len(refused) > 5
    [job] = owner.jobs()
    assert (job["status"], job["error"]) == ("running", None)


@pytest.mark.slow
def test_job_is_not_withdrawn_once_its_id_was_returned(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    repeated, given = [], nfofix(owner)

    def before(call: Call) -> Refusal:
        repeated.append(owner.post("/api/jobs", given, idempotency_key="once"))
        return throttle(call)

    request = request_by(owner, "create-job", body=given)
    request["headers"]["idempotency-key"] = "once"
    create_job = start_function("create-job", AWS_ENDPOINT_URL_SQS=start_proxy(before=before))
    answer = create_job.invoke(request)
    [job] = owner.jobs()
    assert {each.body["id"] for each in repeated} == {job["id"]}
    # The message could not be sent. The job stays, and the sweeper sends another.
    assert (answer["statusCode"], json.loads(answer["body"])["id"]) == (202, job["id"])


def test_draft_that_cannot_be_queued_stays_a_draft(
    owner: User, start_function: StartFunction
) -> None:
    job = owner.create_draft(**nfofix(owner))
    submit_job = start_function("submit-job", AWS_ENDPOINT_URL_SQS=NOWHERE)
    assert_unavailable(submit_job.invoke(request_by(owner, "submit-job", job)))
    assert owner.status(job)["status"] == "draft"
    assert owner.put(f"/api/jobs/{job}/submit").status == 202


def test_retry_that_cannot_be_queued_creates_no_job(
    owner: User, start_function: StartFunction
) -> None:
    job = owner.cancelled_draft(**nfofix(owner))
    retry_job = start_function("retry-job", AWS_ENDPOINT_URL_SQS=NOWHERE)
    assert_unavailable(retry_job.invoke(request_by(owner, "retry-job", job)))
    assert [each["id"] for each in owner.jobs()] == [job]


@pytest.fixture
def slow_queue(stack: Stack) -> Iterator[str]:
    """The URL of a queue with a visibility timeout of an hour and a half."""
    url = stack.sqs.create_queue(
        QueueName=f"outage-{stack.new_user().id}", Attributes={"VisibilityTimeout": "5400"}
    )["QueueUrl"]
    yield url
    stack.sqs.delete_queue(QueueUrl=url)


@pytest.mark.slow
def test_message_that_cannot_be_processed_is_redelivered_soon(
    stack: Stack, owner: User, start_function: StartFunction, slow_queue: str
) -> None:
    body = json.dumps(nfofix(owner) | {"created_by": owner.id})
    stack.sqs.send_message(QueueUrl=slow_queue, MessageBody=body)

    def receive() -> list[Any]:
        answer = stack.sqs.receive_message(QueueUrl=slow_queue, WaitTimeSeconds=5)
        return list(answer.get("Messages", []))

    [message] = receive()
    event = delivery(message["Body"], message["MessageId"])
    event["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    processor = start_function(
        "process-jobs", AWS_ENDPOINT_URL_DYNAMODB=NOWHERE, QUEUE_URL=slow_queue
    )
    failed = {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
    assert processor.invoke(event) == failed
    again = wait_until(receive, "the second delivery")
    assert [each["MessageId"] for each in again] == [message["MessageId"]]
