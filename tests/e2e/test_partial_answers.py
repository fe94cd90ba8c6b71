"""Answers that only AWS gives: writes that meet a transaction, keys left unprocessed.

The local AWS never gives them, so a proxy does.
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api import User
from faults import Call, Gate, Refusal, StartProxy, service_error
from runtime import StartFunction, delivery
from stack import Stack
from test_outages import assert_unavailable, request_by

TRIES = 4  # of each call
DYNAMODB = "com.amazonaws.dynamodb.v20120810"
CONFLICT = service_error(
    f"{DYNAMODB}#TransactionConflictException", "Transaction is ongoing for the item"
)
CANCELLED = service_error(
    f"{DYNAMODB}#TransactionCanceledException",
    "Transaction cancelled",
    CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}],
)

# Takes how often the job's key is left unprocessed; returns the answer to a list.
ListRunning = Callable[[int], Any]


def refusing(operation: str, refusal: Refusal, times: int) -> Callable[[Call], Refusal | None]:
    """Returns a callback of a proxy that refuses an operation the first few times."""
    count = itertools.count()

    def before(call: Call) -> Refusal | None:
        return refusal if call.operation == operation and next(count) < times else None

    return before


def test_cancel_that_meets_a_transaction_is_carried_out(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    address = start_proxy(before=refusing("UpdateItem", CONFLICT, TRIES - 1))
    cancel_job = start_function("cancel-job", AWS_ENDPOINT_URL_DYNAMODB=address)
    draft = owner.create_draft()
    assert cancel_job.invoke(request_by(owner, "cancel-job", draft))["statusCode"] == 200
    assert owner.status(draft)["status"] == "cancelled"


def test_cancel_that_meets_transactions_again_and_again_asks_to_try_again(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    address = start_proxy(before=refusing("UpdateItem", CONFLICT, TRIES))
    cancel_job = start_function("cancel-job", AWS_ENDPOINT_URL_DYNAMODB=address)
    draft = owner.create_draft()
    assert_unavailable(cancel_job.invoke(request_by(owner, "cancel-job", draft)))
    assert owner.status(draft)["status"] == "draft"


def test_transaction_that_meets_another_is_carried_out(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    address = start_proxy(before=refusing("TransactWriteItems", CANCELLED, TRIES - 1))
    processor = start_function("process-jobs", AWS_ENDPOINT_URL_DYNAMODB=address)
    release = owner.create_release({"book.txt": b"Once"})
    message = {"job_type": "analysis", "release_id": release, "created_by": owner.id}
    processor.invoke(delivery(message, f"partial-{owner.id}"))
    assert [job["status"] for job in owner.jobs()] == ["completed"]


@pytest.fixture
def running_job(
    owner: User, start_proxy: StartProxy, start_function: StartFunction
) -> Iterator[int]:
    """A job of the owner that runs as long as the test does."""
    gate = Gate(lambda call: call.operation == "GetObject")
    processor = start_function("process-jobs", AWS_ENDPOINT_URL_S3=start_proxy(before=gate.before))
    release = owner.create_release({"book.txt": b"Once"})
    message = {"job_type": "analysis", "release_id": release, "created_by": owner.id}
    event = delivery(message, f"partial-{owner.id}")
    worker = threading.Thread(target=processor.invoke, args=[event])
    worker.start()
    assert gate.is_held.wait(60), "the job never read its file"
    yield owner.jobs()[0]["id"]
    gate.is_open.set()
    worker.join(60)


@pytest.fixture
def list_running(
    stack: Stack,
    owner: User,
    running_job: int,
    start_proxy: StartProxy,
    start_function: StartFunction,
) -> ListRunning:
    """Lists the owner's running jobs while DynamoDB leaves their keys unprocessed."""
    key = {"pk": {"S": f"JOB#{running_job}"}, "sk": {"S": "META"}}
    content = {"Responses": {stack.table: []}, "UnprocessedKeys": {stack.table: {"Keys": [key]}}}
    answer = Refusal(200, "application/x-amz-json-1.0", json.dumps(content).encode())
    parameters = {
        "rawQueryString": "status=running",
        "queryStringParameters": {"status": "running"},
    }

    def list_running(times: int) -> Any:
        address = start_proxy(before=refusing("BatchGetItem", answer, times))
        function = start_function("list-jobs", AWS_ENDPOINT_URL_DYNAMODB=address)
        return function.invoke(request_by(owner, "list-jobs") | parameters)

    return list_running


def test_list_asks_again_for_unprocessed_keys(
    owner: User, running_job: int, list_running: ListRunning
) -> None:
    listed = json.loads(list_running(TRIES - 1)["body"])["jobs"]
    # Only the job's own item has a progress: no index has one.
    assert [job["id"] for job in listed] == [running_job]
    assert listed[0]["progress"] == owner.status(running_job)["progress"]


def test_list_with_keys_that_stay_unprocessed_asks_to_try_again(list_running: ListRunning) -> None:
    assert_unavailable(list_running(TRIES))
