"""The live channel: tickets, permissions, messages, and the end of a connection."""

import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from api import Client, User, assert_problem
from live_client import Message, Socket, open_socket, refusal, ticket_of
from samples import completed_job
from scribe import Scribe
from stack import Stack
from table_stream import TableStream, connection_items, image, wakes, watchers
from tokens import claims_of, sign
from waiting import assert_soon, wait_until

REFUSED = (401, 403)
MAX_JOBS = 20  # of one connection
EVENTS = ("job.created", "job.started", "job.completed")


def subscribe(socket: Socket, job: int) -> Message:
    """Subscribes to a job; returns the snapshot."""
    answer = socket.ask(action="subscribe", job_id=job)
    assert (answer["type"], answer["job_id"]) == ("snapshot", job), answer
    return answer


def assert_refused(message: Message, status: int, urn: str, *fields: str) -> None:
    """Checks that a message was refused with this problem, about exactly these fields."""
    assert message["type"] == "refused", message
    problem = message["problem"]
    assert (problem["status"], problem["type"]) == (status, f"urn:jobs:{urn}")
    assert [error["field"] for error in problem.get("errors", [])] == list(fields), problem
    assert problem["request_id"]


def connection_of(stack: Stack, job: int) -> str:
    """Returns the id of the only connection that watches a job."""
    [watcher] = watchers(stack, f"JOB#{job}")
    return watcher["sk"]["S"]


def is_marked(stack: Stack, job: int) -> bool:
    """Returns whether a job is marked as watched."""
    return "live" in stack.job_item(job)


def short_lived(stack: Stack, user: User, seconds: int) -> User:
    """Returns a user with a token that is valid for some seconds."""
    bearer = sign(claims_of(user.id, None, seconds), stack.secret)
    return User(stack.api_url, bearer, user.id)


def test_ticket_opens_one_connection(owner: User) -> None:
    ticket = ticket_of(owner)
    assert set(ticket) == {"url", "ticket", "expires_at"}
    assert len(ticket["ticket"]) == 43
    with Socket(ticket["url"], ticket["ticket"]) as socket:
        assert socket.ask(action="ping") == {"type": "pong"}
    assert refusal(ticket["url"], ticket["ticket"]) in REFUSED


@pytest.mark.parametrize("ticket", [None, "", "garbage", "x" * 43, "%00", "a" * 2_000])
def test_connection_without_a_valid_ticket_is_refused(owner: User, ticket: str | None) -> None:
    assert refusal(ticket_of(owner)["url"], ticket) in REFUSED


def test_ticket_needs_a_token_and_takes_no_field(
    stack: Stack, owner: User, anonymous: Client
) -> None:
    assert anonymous.post("/api/live/ticket").status == 401
    assert stack.client("no token").post("/api/live/ticket").status == 403
    assert owner.post("/api/live/ticket", {}).status == 201
    answer = owner.post("/api/live/ticket", {"job_id": 1})
    assert_problem(answer, 400, "invalid-request", "job_id")


def test_page_of_another_origin_is_refused(stack: Stack, owner: User) -> None:
    ticket = ticket_of(owner)
    others = ["https://evil.example", "null", f"{stack.origins[0]}.evil.example"]
    for origin in others:
        assert refusal(ticket["url"], ticket["ticket"], origin) in REFUSED, origin
    # A refused origin uses up no ticket.
    assert refusal(ticket["url"], ticket["ticket"], stack.origins[0]) == 0


def test_snapshot_has_the_state_and_the_last_line(stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    scribe.write(3)
    with open_socket(owner) as socket:
        snapshot = subscribe(socket, scribe.job)
        assert set(snapshot) == {"type", "job_id", "to", "state"}
        assert (snapshot["to"], snapshot["state"]) == (3, owner.status(scribe.job))


def test_new_lines_are_pushed_with_the_state(stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    scribe.write(2)
    with open_socket(owner) as socket:
        subscribe(socket, scribe.job)
        scribe.write(3)
        [update] = socket.receive_until(lambda each: bool(each["to"] == 5))
        assert set(update) == {"type", "job_id", "from", "to", "state", "logs"}
        assert (update["type"], update["job_id"], update["from"]) == ("update", scribe.job, 3)
        assert update["logs"] == owner.log(scribe.job)[2:]
        assert update["state"] == owner.status(scribe.job)


def test_lines_too_long_for_a_message_are_left_out(stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    with open_socket(owner) as socket:
        subscribe(socket, scribe.job)
        scribe.write(10, length=5_000)
        [update] = socket.receive_until(lambda each: bool(each["to"] == 10))
        assert "logs" not in update
        assert update["from"] == 1


def test_cancel_is_pushed_with_the_last_line(stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    with open_socket(owner) as socket:
        subscribe(socket, scribe.job)
        scribe.cancel()
        update = socket.receive_until(lambda each: bool(each["to"] == 1))[-1]
        assert update["state"] == owner.status(scribe.job)
        assert update["state"]["status"] == "cancelled"
        assert update["logs"] == owner.log(scribe.job)


def test_ended_job_has_a_snapshot_and_no_watch(stack: Stack, owner: User) -> None:
    job = completed_job(owner)
    with open_socket(owner) as socket:
        snapshot = subscribe(socket, job)
        assert snapshot["state"] == owner.status(job)
        assert snapshot["to"] == len(owner.log(job))
        assert watchers(stack, f"JOB#{job}") == []
        assert not is_marked(stack, job)


def test_strangers_subscription_is_refused_and_leaves_nothing(
    stack: Stack, owner: User, stranger: User
) -> None:
    job = owner.create_draft()
    with open_socket(stranger) as socket:
        answer = socket.ask(action="subscribe", job_id=job)
        assert answer["job_id"] == job
        assert_refused(answer, 403, "forbidden")
        assert_refused(socket.ask(action="subscribe", jobs="all"), 403, "forbidden")
        unknown = socket.ask(action="subscribe", job_id=2**53 - 1)
        assert_refused(unknown, 404, "job-not-found")
        assert watchers(stack, f"JOB#{job}") == []
        assert not is_marked(stack, job)
        own = stranger.create_draft()
        subscribe(socket, own)
        items = connection_items(stack, connection_of(stack, own))
        assert [item["sk"]["S"] for item in items] == ["SESSION", f"WATCH#JOB#{own}"]


def test_admin_watches_any_job_and_loses_it_with_the_role(stack: Stack, owner: User) -> None:
    job, watcher = owner.create_draft(), stack.new_id()
    with open_socket(stack.user(watcher, "admin")) as socket:
        assert subscribe(socket, job)["state"]["job_id"] == job
    with open_socket(stack.user(watcher)) as socket:
        assert_refused(socket.ask(action="subscribe", job_id=job), 403, "forbidden")
        assert_refused(socket.ask(action="subscribe", jobs="all"), 403, "forbidden")


def keep_watches(stack: Stack, job: int) -> None:
    """Keeps the watches of a job from TTL, which would remove them with their session."""
    for watch in watchers(stack, f"JOB#{job}"):
        stack.dynamodb.update_item(
            TableName=stack.table,
            Key={"pk": watch["pk"], "sk": watch["sk"]},
            UpdateExpression="SET expires_at = :later",
            ExpressionAttributeValues={":later": {"N": str(int(time.time()) + 3600)}},
        )


def test_connection_ends_with_its_session(stack: Stack, owner: User) -> None:
    scribe = Scribe(stack, owner)
    with open_socket(short_lived(stack, owner, 4)) as socket:
        subscribe(socket, scribe.job)
        keep_watches(stack, scribe.job)
        scribe.write()
        assert socket.receive_until(lambda each: bool(each["to"] == 1))

        def is_closed() -> bool:
            scribe.write()  # the server closes the connection when it has something to push
            return socket.is_closed_by_server()

        wait_until(is_closed, "the connection to be closed", timeout=30)
    wait_until(lambda: not watchers(stack, f"JOB#{scribe.job}"), "the watch to be removed")


def test_message_after_the_sessions_end_closes_the_connection(stack: Stack, owner: User) -> None:
    job = owner.create_draft()
    ends = time.time() + 3
    with open_socket(short_lived(stack, owner, 3)) as socket:
        wait_until(lambda: time.time() > ends, "the session to end")
        with pytest.raises(ConnectionClosed):
            socket.ask(action="subscribe", job_id=job)
    assert watchers(stack, f"JOB#{job}") == []


def test_ticket_is_refused_after_the_sessions_end(stack: Stack, owner: User) -> None:
    ends = time.time() + 2
    ticket = ticket_of(short_lived(stack, owner, 2))
    wait_until(lambda: time.time() > ends, "the session to end")
    assert refusal(ticket["url"], ticket["ticket"]) in REFUSED


def test_unsubscribed_job_is_no_longer_pushed(stack: Stack, owner: User) -> None:
    left, kept = Scribe(stack, owner), Scribe(stack, owner)
    with open_socket(owner) as socket:
        subscribe(socket, left.job)
        subscribe(socket, kept.job)
        answer = socket.ask(action="unsubscribe", job_id=left.job)
        assert answer == {"type": "unsubscribed", "job_id": left.job}
        assert watchers(stack, f"JOB#{left.job}") == []
        left.write()
        kept.write()
        messages = socket.receive_until(lambda each: each["job_id"] == kept.job and each["to"] == 1)
        assert {message["job_id"] for message in messages} == {kept.job}
        # The first change that nobody has watched removes the mark.
        assert_soon(lambda: is_marked(stack, left.job), expected=False)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ({"action": "watch", "job_id": 5}, ["action"]),
        ({"job_id": 5}, ["action"]),
        ({"action": "subscribe"}, ["job_id"]),
        ({"action": "subscribe", "job_id": "five"}, ["job_id"]),
        ({"action": "subscribe", "job_id": 0}, ["job_id"]),
        ({"action": "subscribe", "jobs": "yours"}, ["jobs"]),
        ({"action": "subscribe", "job_id": 5, "jobs": "mine"}, ["jobs"]),
        ({"action": "subscribe", "job_id": 5, "after": 3}, ["after"]),
        ({"action": "ping", "job_id": 5}, ["job_id"]),
    ],
    ids=str,
)
def test_wrong_message_is_refused_by_field(
    owner: User, message: dict[str, Any], fields: list[str]
) -> None:
    with open_socket(owner) as socket:
        answer = socket.ask(**message)
        assert_refused(answer, 400, "invalid-request", *fields)
        assert {"job_id", "jobs"}.isdisjoint(answer)
        assert socket.ask(action="ping") == {"type": "pong"}


@pytest.mark.parametrize(
    ("text", "status", "urn"),
    [
        ("subscribe", 400, "malformed-body"),
        ("[]", 400, "malformed-body"),
        ("", 400, "malformed-body"),
        (f'{{"action": "{"x" * 4_096}"}}', 413, "too-large"),
    ],
    ids=["text", "list", "empty", "large"],
)
def test_message_that_is_no_small_object_is_refused(
    owner: User, text: str, status: int, urn: str
) -> None:
    with open_socket(owner) as socket:
        socket.connection.send(text)
        assert_refused(socket.receive(), status, urn)


def test_list_has_the_transitions_of_own_jobs_only(
    owner: User, stranger: User, admin: User
) -> None:
    with open_socket(owner) as own, open_socket(admin) as every:
        for socket, jobs in ((own, "mine"), (every, "all")):
            answer = socket.ask(action="subscribe", jobs=jobs)
            assert answer == {"type": "subscribed", "jobs": jobs}
        other = completed_job(stranger)
        seen = every.receive_until(lambda each: is_last(each, other))
        assert [each["event"] for each in seen if each["job"]["id"] == other] == list(EVENTS)
        job = completed_job(owner)
        messages = own.receive_until(lambda each: is_last(each, job))
        assert [each["event"] for each in messages] == list(EVENTS)
        assert {each["job"]["id"] for each in messages} == {job}
        [listed] = owner.jobs()
        assert messages[-1] == {
            "type": "job",
            "jobs": "mine",
            "event": "job.completed",
            "job": listed,
        }
        answer = own.ask(action="unsubscribe", jobs="mine")
        assert answer == {"type": "unsubscribed", "jobs": "mine"}


def is_last(message: Message, job: int) -> bool:
    """Returns whether a message tells of the completion of a job."""
    return bool(message["event"] == EVENTS[-1] and message["job"]["id"] == job)


def test_jobs_beyond_the_limit_of_a_connection_are_polled(stack: Stack, owner: User) -> None:
    jobs = [owner.create_draft() for _ in range(MAX_JOBS + 1)]
    with open_socket(owner) as socket:
        for job in jobs[:-1]:
            subscribe(socket, job)
        poll = {"type": "poll", "job_id": jobs[-1]}
        assert socket.ask(action="subscribe", job_id=jobs[-1]) == poll
        assert watchers(stack, f"JOB#{jobs[-1]}") == []
        subscribe(socket, jobs[0])
        socket.ask(action="unsubscribe", job_id=jobs[0])
        subscribe(socket, jobs[-1])


def test_closed_connection_leaves_nothing(stack: Stack, owner: User) -> None:
    job = owner.create_draft()
    with open_socket(owner) as socket:
        subscribe(socket, job)
        socket.ask(action="subscribe", jobs="mine")
        connection = connection_of(stack, job)
        assert len(connection_items(stack, connection)) == 3
        assert len(watchers(stack, f"USER#{owner.id}")) == 1

    def has_left_nothing() -> bool:
        watched = watchers(stack, f"JOB#{job}") + watchers(stack, f"USER#{owner.id}")
        return not watched + connection_items(stack, connection)

    wait_until(has_left_nothing, "the connection's items to be removed")


@pytest.mark.local
def test_job_that_nobody_watches_wakes_no_push(stack: Stack, owner: User) -> None:
    stream, wakes_push = TableStream(stack), wakes(stack, "push-updates")
    unwatched = stream.life(completed_job(owner))
    assert len(unwatched) >= len(EVENTS)
    assert not any(map(wakes_push, unwatched))
    watched = Scribe(stack, owner)
    with open_socket(owner) as socket:
        subscribe(socket, watched.job)
        watched.cancel()
    records = stream.life(watched.job)
    assert image(records[-1])["status"]["S"] == "cancelled"
    assert wakes_push(records[-1])
