"""The commands of the operator's pages, on a stack of their own."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import local
from api import User
from own_stack import local_port, own_stack
from packages import SOURCES, make_package
from page_code import code_below
from procedures import AWS_ONLY, PAGES, Shell, blocks, commands_below, local_blocks
from samples import RELEASE_NAME, failed_job
from stack import Stack
from waiting import wait_until

# One worker runs these tests in their order: they share a stack, and the last one removes it.
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.xdist_group("operating")]

NAME = "jobs-operated"
SECRET_NAME = f"{NAME}/token"
TESTED = {
    "Set up the shell",
    "Tokens",
    "Logs",
    "Why did this job fail?",
    "The dead-letter queue",
    "Retry a job",
    "Publish events again",
    "Stop everything",
    "Start again",
    "Restore the table",
    "Repair an item",
    "Recount the releases",
    "Get a file back",
    "Rotate the tokens' secret",
    "Delete a person's data",
    "Remove the system",
}
COMMAND = re.compile(r"^ *```\n *(aws|api|python3|make|curl) ", re.MULTILINE)


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the local AWS."""
    return local_port()


@pytest.fixture(scope="module")
def operated(port: int) -> Iterator[Stack]:
    """The stack that these tests operate."""
    with own_stack(port, NAME) as stack:
        yield stack


@pytest.fixture
def user(operated: Stack) -> User:
    """A new user of that stack."""
    return operated.new_user()


@pytest.fixture
def shell(operated: Stack, port: int) -> Shell:
    """The shell of an operator with an admin's token."""
    token = operated.user(1, role="admin").headers["authorization"].removeprefix("Bearer ")
    return Shell(NAME, port, API_URL=operated.api_url, TOKEN=token)


def last_json(output: str) -> dict[str, object]:
    """Returns the last line of an output, which is JSON."""
    return dict(json.loads(output.strip().splitlines()[-1]))


def test_every_command_is_tried_or_marked() -> None:
    assert {block.heading for block in local_blocks()} == TESTED
    for block in blocks():
        if "AWS only" in block.commands:
            assert re.match(f"{AWS_ONLY}.+\\.\n", block.commands), block
    for page in PAGES:
        text = (local.ROOT / f"docs/{page}.md").read_text()
        # Its commands are those of `make deploy`, which builds for AWS.
        text = re.sub(r"^## Deploy\n.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
        assert not COMMAND.search(text), f"docs/{page}.md has commands outside a block of sh"


def test_shell_knows_the_stack(shell: Shell, operated: Stack) -> None:
    assert shell.run('echo "$STACK $TABLE_NAME"') == f"{NAME} {operated.table}\n"


@pytest.mark.skipif(local.LOCAL != local.TOOLS, reason="a second local system is tested")
def test_shell_knows_the_local_system(stack: Stack, port: int) -> None:
    # Nothing but .local/env points to the local AWS.
    commands = 'set -euo pipefail; . scripts/shell.sh; aws sqs list-queues; echo "$STACK"'
    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=local.ROOT,
        env={"PATH": local.plain_environment(port)["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert stack.queue_url.rsplit("/", 1)[-1] in done.stdout
    assert done.stdout.endswith(f"\n{local.STACK}\n")


def test_operator_signs_an_admins_token(shell: Shell, user: User) -> None:
    assert last_json(shell.follow("Tokens", TOKEN=""))["jobs"] == []
    assert user.get("/api/jobs?user_id=1").status == 403


def test_log_has_the_jobs_of_the_stack(shell: Shell, user: User) -> None:
    job = user.run_job(job_type="nfofix", release_id=user.create_release())
    wait_until(lambda: str(job["id"]) in shell.follow("Logs"), "the job in the log")


def test_failure_of_a_job_is_shown(shell: Shell, user: User) -> None:
    shown = last_json(shell.follow("Why did this job fail?", JOB=failed_job(user)))
    assert shown["error"]


def test_job_is_retried(shell: Shell, user: User) -> None:
    job = failed_job(user)
    retried = last_json(shell.follow("Retry a job", JOB=job))
    assert (retried["retry_of"], retried["created_by"]) == (job, user.id)


def test_dead_letter_is_shown_redriven_and_deleted(shell: Shell, operated: Stack) -> None:
    show, redrive, delete = commands_below("The dead-letter queue")
    operated.sqs.send_message(QueueUrl=operated.queue_url, MessageBody="poison")

    def shown() -> str:
        output = shell.run(show)
        return output if output.endswith("\n1 dead letters\n") else ""

    first = wait_until(shown, "the dead letter")
    assert "  reason: not_json\n" in first
    letter = first.splitlines()[0]
    shell.run(redrive, LETTER=letter)
    # It fails again, as a message and a dead letter with new ids.
    second = wait_until(shown, "the next dead letter")
    assert second.splitlines()[0] != letter
    shell.run(delete, LETTER=second.splitlines()[0])
    assert shell.run(show) == "0 dead letters\n"


def test_event_reaches_the_queue_of_a_rule_and_is_published_again(
    shell: Shell, operated: Stack, user: User
) -> None:
    create, read, remove = code_below("events", "A rule", "sh")
    url = shell.run(f'{create}\necho "$ENDED_URL"').split()[-1]
    job = user.run_job(job_type="nfofix", release_id=user.create_release())

    def event() -> object:
        body = shell.run(read, ENDED_URL=url).strip()
        found = None if body == "None" else json.loads(body)
        return found if found and found["data"]["job_id"] == job["id"] else None

    first = wait_until(event, "the event")
    operated.sqs.purge_queue(QueueUrl=url)
    [republish, *_] = commands_below("Publish events again")
    second = int(datetime.fromisoformat(job["created_at"]).timestamp())
    shell.run(republish, SINCE=str(second))
    output = shell.run(republish, SINCE=job["created_at"])
    published = re.search(r"^Published (\d+) events since ", output, re.MULTILINE)
    # It was created, has started, and has ended.
    assert published
    assert int(published[1]) >= 3
    assert wait_until(event, "the same event") == first
    shell.run(remove, ENDED_URL=url)


def test_wrong_time_to_publish_from_is_refused(shell: Shell) -> None:
    [republish, *_] = commands_below("Publish events again")
    for since in ("yesterday", "2026-11-28T12:00:00"):
        output = shell.run(f"! {republish.strip()} 2>&1", SINCE=since)
        assert "must be an RFC 3339 time" in output


def test_dead_letter_of_events_is_shown_and_deleted(shell: Shell, operated: Stack) -> None:
    _, show, delete = commands_below("Publish events again")
    queue = operated.events_dead_letter_queue_url
    operated.sqs.send_message(QueueUrl=queue, MessageBody='{"DDBStreamBatchInfo": {}}')
    shown = shell.run(show)
    assert "  body: {" in shown
    assert shown.endswith("\n1 dead letters\n")
    redrive = delete.replace(" delete ", " redrive ")
    refused = shell.run(f"! {redrive.strip()} 2>&1", LETTER=shown.splitlines()[0])
    assert "use scripts/republish.py" in refused
    shell.run(delete, LETTER=shown.splitlines()[0])
    assert shell.run(show) == "0 dead letters\n"


def test_everything_stops_and_starts_again(shell: Shell, operated: Stack, user: User) -> None:
    release = user.create_release()
    shell.follow("Stop everything")
    message = json.dumps({"job_type": "nfofix", "release_id": release, "created_by": user.id})
    operated.sqs.send_message(QueueUrl=operated.queue_url, MessageBody=message)
    time.sleep(3)
    waiting = operated.sqs.get_queue_attributes(
        QueueUrl=operated.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "1"
    states = shell.run("""
        aws events list-rules --name-prefix "$STACK" --query 'Rules[0].State' --output text""")
    assert states == "DISABLED\n"
    # The local AWS throttles nothing.
    read_limits = """
        aws apigatewayv2 get-stage --api-id "$API_ID" --stage-name '$default' \\
          --query '[DefaultRouteSettings, RouteSettings]' --output json"""
    default, routes = json.loads(shell.run(read_limits))
    assert len(routes) > 10
    closed = {"ThrottlingRateLimit": 0, "ThrottlingBurstLimit": 0}
    assert all(limit == closed for limit in (default, *routes.values()))

    shell.follow("Start again")
    default, routes = json.loads(shell.run(read_limits))
    assert default == {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}
    writes = {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
    assert all(limit == writes for limit in routes.values())
    [job] = wait_until(user.jobs, "the job")
    assert user.wait_for_end(job["id"])["status"] == "failed"
    rules = 'aws events list-rules --name-prefix "$STACK" --query "Rules[0].State" --output text'
    assert shell.run(rules) == "ENABLED\n"


def test_table_is_restored(shell: Shell, operated: Stack, user: User) -> None:
    restore, copy, delete, settings = commands_below("Restore the table")
    job = user.run_job(job_type="nfofix", release_id=user.create_release())
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shell.run(restore, RESTORE_TIME=now)
    item = operated.job_item(job["id"])
    operated.dynamodb.delete_item(
        TableName=operated.table, Key={"pk": item["pk"], "sk": item["sk"]}
    )
    assert user.get(f"/api/jobs/{job['id']}").status == 404
    assert "Copied 1 items, kept " in shell.run(copy)
    assert user.job(job["id"]) == job
    damaged = shell.run(copy.replace("--stack", f"--only JOB#{job['id']} --overwrite --stack"))
    assert ", kept 0 as they are" in damaged
    for only, count in ((f"JOB#{job['id']}", 1), (f"JOB#{job['id'] // 10}", 0)):
        options = f"--only {only} --sort-key META --overwrite --stack"
        one = shell.run(copy.replace("--stack", options))
        assert f"Copied {count} items, kept 0" in one
    shell.run(delete)
    shell.run(settings)
    assert f"{operated.table}-restored" not in operated.dynamodb.list_tables()["TableNames"]


def test_damaged_item_is_repaired(shell: Shell, operated: Stack, user: User) -> None:
    release = user.create_release(metadata={"title": "A Book"})
    key = {"PK": f"RELEASE#{release}", "SK": "META"}
    look, replace = commands_below("Repair an item")
    assert "A Book" in shell.run(look, **key)
    operated.dynamodb.update_item(
        TableName=operated.table,
        Key={"pk": {"S": key["PK"]}, "sk": {"S": key["SK"]}},
        UpdateExpression="SET metadata = :damaged",
        ExpressionAttributeValues={":damaged": {"S": "{"}},
    )
    damaged = user.release(release)
    assert damaged["metadata"] == {}
    error = f"metadata of RELEASE#{release} META"
    [log] = commands_below("Logs")
    log = log.replace("process-jobs", "get-release")
    wait_until(lambda: error in shell.run(log), "the error in the log")
    shell.run(replace, **key, NAME="metadata")
    changed = user.patch(f"/api/jobs/{user.create_draft()}", {"release_id": release})
    assert (changed.status, user.release(release)) == (200, damaged)


def test_releases_are_recounted(shell: Shell, operated: Stack, user: User) -> None:
    user.create_release()
    key = {"pk": {"S": f"USER#{user.id}"}, "sk": {"S": "RELEASES"}}
    operated.dynamodb.delete_item(TableName=operated.table, Key=key)
    line = f"user {user.id}: 0 counted, 1 owned, "
    output = shell.follow("Recount the releases")
    assert line + "found\n" in output
    assert line + "repaired\n" in output
    assert operated.release_count(user.id) == 1


def test_earlier_package_is_current_again(shell: Shell, user: User) -> None:
    release = user.create_release(SOURCES)
    make_package(user, release, release_name=RELEASE_NAME)
    first = user.release(release)["package"]["job_id"]
    make_package(user, release, "repack", release_name=RELEASE_NAME, compression="high")
    shell.follow("Get a file back", RELEASE=release, JOB=first)
    assert user.release(release)["package"]["job_id"] == first


def test_data_of_a_person_is_deleted(shell: Shell, user: User) -> None:
    release = user.create_release(SOURCES)
    make_package(user, release, release_name=RELEASE_NAME)
    output = shell.follow("Delete a person's data", USER_ID=user.id)
    assert "\nRemoved 1 jobs, 1 releases, " in output
    assert user.get(f"/api/releases/{release}").status == 404


def test_secret_is_rotated(shell: Shell, operated: Stack) -> None:
    old = shell.variables["TOKEN"]
    shell.follow("Rotate the tokens' secret")
    [commands] = commands_below("Tokens")
    # The authorizer reads the secret at most every 30 seconds.
    wait_until(lambda: last_json(shell.run(f"{commands} || echo {{}}")), "the new secret")
    assert operated.client(old).get("/api/jobs").status == 403


def test_system_is_removed(shell: Shell, operated: Stack, port: int) -> None:
    own, others = (f"/aws/lambda/{stack}-get-health" for stack in (NAME, f"{NAME}-2"))
    local.aws(port, "logs", "create-log-group", "--log-group-name", others)
    stack, data, logs, secret = commands_below("Remove the system")
    comes_back = f"aws logs create-log-group --log-group-name {own}"
    shell.run(f"{stack}\n{data}\n{comes_back}\n{logs}\n{secret}")

    assert local.run_aws(port, "cloudformation", "describe-stacks", "--stack-name", NAME).returncode
    assert operated.table not in operated.dynamodb.list_tables()["TableNames"]
    assert operated.bucket not in [each["Name"] for each in operated.s3.list_buckets()["Buckets"]]
    found = local.aws(port, "secretsmanager", "describe-secret", "--secret-id", SECRET_NAME)
    assert found["DeletedDate"]
    # The group of another stack stays.
    kept = [
        each["logGroupName"] for each in local.aws(port, "logs", "describe-log-groups")["logGroups"]
    ]
    assert [name for name in kept if NAME in name] == [others]
    local.aws(port, "logs", "delete-log-group", "--log-group-name", others)
