"""The messages, programs and policy of docs/producers.md."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

import document
from api import User
from local import ROOT, read_env
from page_code import code_below, run_python, shell_of
from roles import session_with
from sample_epub import sample_epub
from stack import Stack
from waiting import assert_soon, wait_until

pytestmark = pytest.mark.local

PAGE = "producers"
SUBMISSION = ("components", "schemas", "QueuedSubmission")
JOB_TYPES = ("components", "schemas", "JobType", "enum")
RELEASE = re.compile(r'(?<="release_id": )\d+|(?<=release_id=)\d+')
USER = re.compile(r'(?<="created_by": )\d+|(?<=user-)\d+')
KEY = re.compile(r'"idempotency_key": "([^"]+)"')
REASON = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@pytest.fixture
def release(owner: User) -> int:
    """A release with the file that the messages name."""
    return owner.create_release({"lighthouse.epub": sample_epub()})


def with_ids(code: str, user: User, release: int) -> str:
    """Returns code of the page with the ids of a user and a release."""
    return USER.sub(str(user.id), RELEASE.sub(str(release), code))


def ended_job(user: User, key: str) -> Any:
    """Waits until the job of a key exists and ends; returns its details."""
    path = f"/api/jobs?idempotency_key={key}"
    [job] = wait_until(lambda: user.get(path).body["jobs"], f"the job of {key}")
    user.wait_for_end(job["id"])
    return user.job(job["id"])


def assert_job_of(message: dict[str, Any], job: Any) -> None:
    """Checks that a job has completed, and has the fields of its message."""
    assert job["status"] == "completed", job["error"]
    sent = {name: value for name, value in message.items() if name != "idempotency_key"}
    assert {name: job[name] for name in sent} == sent


def test_message_of_each_type_becomes_a_job(stack: Stack, owner: User, release: int) -> None:
    sent = []
    for code in code_below(PAGE, "Messages", "json"):
        body = with_ids(code, owner, release)
        message = json.loads(body)
        assert document.problems(SUBMISSION, message) == []
        assert (message["release_id"], message["created_by"]) == (release, owner.id)
        stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=body)
        # The jobs of a package need that of the job before.
        assert_job_of(message, ended_job(owner, message["idempotency_key"]))
        sent.append(message["job_type"])
    assert sorted(sent) == sorted(document.at(JOB_TYPES))


def test_message_is_sent_from_a_shell_and_its_job_found(
    stack: Stack, owner: User, release: int
) -> None:
    [send] = code_below(PAGE, "Send a message", "sh")
    [find] = code_below(PAGE, "Find the job", "sh")
    [key] = KEY.findall(send)
    shell = shell_of(stack, owner)
    assert json.loads(shell.run(with_ids(send, owner, release)))["MessageId"]
    job = ended_job(owner, key)
    assert job["status"] == "completed", job["error"]

    def found() -> list[list[int]]:
        lines = shell.run(with_ids(find, owner, release)).splitlines()
        return [[each["id"] for each in json.loads(line)["jobs"]] for line in lines]

    assert_soon(found, [[job["id"]], [job["id"]]])


def test_message_is_sent_with_python(stack: Stack, owner: User, release: int) -> None:
    [code] = code_below(PAGE, "Send a message", "python")
    [key] = KEY.findall(code)
    message_id = run_python(with_ids(code, owner, release), QUEUE_URL=stack.queue_url)
    assert re.fullmatch(r"[0-9a-f-]{36}", message_id)
    job = ended_job(owner, key)
    assert (job["status"], job["release_id"]) == ("completed", release)


def test_message_of_the_rust_program_is_valid() -> None:
    [code] = code_below(PAGE, "Send a message", "rust")
    [body] = re.findall(r"json!\((.*?)\n\);", code, re.DOTALL)
    message = json.loads(body)
    assert document.problems(SUBMISSION, message) == []
    assert f'.message_group_id("user-{message["created_by"]}")' in code


def test_policy_allows_to_send_and_nothing_else(stack: Stack, owner: User, release: int) -> None:
    [policy] = map(json.loads, code_below(PAGE, "Permission", "json"))
    [statement] = policy["Statement"]
    statement["Resource"] = read_env()["QUEUE_ARN"]
    message = json.loads(with_ids(code_below(PAGE, "Messages", "json")[0], owner, release))
    with session_with(stack, "test-producer", {"send": policy}) as session:
        sqs = session.client("sqs", endpoint_url=stack.endpoint_url)
        sqs.send_message(QueueUrl=stack.queue_url, MessageBody=json.dumps(message))
        with pytest.raises(ClientError, match="AccessDenied"):
            sqs.receive_message(QueueUrl=stack.queue_url)
        with pytest.raises(ClientError, match="AccessDenied"):
            sqs.send_message(QueueUrl=stack.dead_letter_queue_url, MessageBody="{}")
    assert_job_of(message, ended_job(owner, message["idempotency_key"]))


def test_page_lists_the_reasons_of_the_operators_page() -> None:
    # A test compares the operator's page with the code.
    operating = (ROOT / "docs/operating.md").read_text()
    _, _, table = operating.partition("| `reason` | the message can never succeed because |")
    producers = (ROOT / f"docs/{PAGE}.md").read_text()
    _, _, own = producers.partition("| `reason` | what to do |")
    assert REASON.findall(own) == REASON.findall(table)
