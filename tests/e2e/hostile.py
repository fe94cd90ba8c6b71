"""A hostile user: floods, bombs, forged requests and trespasses, all at once.

The attacks run side by side until their time is over and each hostile job has been tried. An answer
that the system must not give is recorded in `faults`.
"""

import collections
import contextlib
import http.client
import itertools
import json
import random
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from api import FINAL, TOO_MANY_REQUESTS, Answer, User, fetch, upload
from hostile_files import HOSTILE_JOBS, KIB, Hostile
from routes import JOB_ROUTES, RELEASE_ROUTES
from signing import encode, make_token, shared_secret_token
from stack import Stack
from waiting import wait_until

PAUSE = 0.05  # seconds between two requests of an attack: the machine is small
FILE_THREADS = 4  # hostile jobs at the same time
CANCELLED = 0.2  # share of the hostile jobs that their owner cancels
FLOOD = 20  # jobs and drafts of one wave
OPEN_FLOOD = 60  # open jobs and drafts of the floods, above which they cancel
JOB_TIMEOUT = 240  # seconds until a hostile job has ended
CANCEL_TIMEOUT = 120  # seconds beyond the attack's time to cancel a job at work
MAX_REFUSAL = 64 * KIB  # bytes of the answer to a bad request
NESTED = "[" * 240 + "]" * 240
# A parser that reads this name of a field reads its text as JSON of its own.
RAW_VALUE = {"$serde_json::private::RawValue": NESTED}


class Victim(NamedTuple):
    """Another user, and what is theirs."""

    user: User
    release: int
    job: int


def deep(depth: int) -> bytes:
    """Returns JSON of objects in objects."""
    return b'{"a":' * depth + b"1" + b"}" * depth


# Values that a parser, a store or a reader may fail at.
VALUES = (
    json.dumps(RAW_VALUE).encode(),
    json.dumps({"title": RAW_VALUE}).encode(),
    deep(60),
    deep(120),
    deep(50_000),
    b"[" * 100_000,
    b"1e400",
    b"-0",
    b"1" * 5_000,
    b'"\\ud800"',
    b'"\\u0000\\u202e\\u2066\\u2028"',
    b'{"title":"\\u202etxt.exe\\u2066"}',
    b'"\xff\xfe"',
    b'{"title":"%b"}' % (b"x" * (200 * KIB)),
    b'{"subjects":[%b]}' % b",".join([b'"x"'] * 40_000),
    b"{%b}" % b",".join(b'"field%d":1' % at for at in range(15_000)),
    b'{"a":"%b"}' % (b"x" * (300 * KIB)),
)
# The fields of a body that take such a value, and the rest of that body.
BODIES = {
    "/api/releases": (b'"release_type":"ebook"', ("metadata", "name", "group")),
    "/api/jobs": (b'"draft":true', ("config_json", "job_type", "release_id")),
}
PATHS = (
    "../../jobs/1/package.zip",
    "/etc/passwd",
    "..",
    "a/../../b",
    "C:x",
    "C:\\x",
    "a\\b",
    "a//b",
    "a\u0000b",
    "a\r\nb",
    "a\u202eb",
    "source/" * 100 + "a",
    "x" * 600,
    "%2e%2e%2fa",
    "?a=b",
    "#",
    " ",
    "",
    "con",
    "jobs/1/1/a",
    7,
    None,
)
SIZES = (0, -1, 1, 1 << 62, 1e300, "1", None, 5 * 1024**4)
LISTS = (
    "/api/jobs?limit=100&status=running,failed&job_type=analysis",
    "/api/jobs?cursor=" + "A" * 4_000,
    "/api/jobs?user_id={victim}",
    "/api/jobs?release_id={release}",
    "/api/jobs?idempotency_key=queue:a",
    "/api/jobs?status=" + ",".join(["running"] * 900),
    "/api/jobs/{job}/logs?after=99999999999",
    "/api/jobs/%00",
    "/api/jobs/../../releases/{release}",
    "/api//jobs",
    "/" + "a" * 4_000,
)


def forged_tokens(user_id: int, others: int) -> list[str]:
    """Returns tokens that are not valid, or that claim another user's id."""
    now = int(time.time())
    claims = {"sub": others, "exp": now + 600}
    foreign = b"another secret, which nobody knows"
    return [
        "",
        "Bearer",
        "x" * 6_000,
        "e30.e30.",
        shared_secret_token(claims, foreign),
        shared_secret_token({"sub": user_id, "exp": now - 600}),
        shared_secret_token({"sub": user_id}),
        shared_secret_token({"sub": -1, "exp": now + 600}),
        shared_secret_token({"sub": [user_id], "exp": now + 600}),
        make_token(claims, lambda _: b"", alg="none"),
        make_token(claims, lambda _: b"", alg="HS256"),
        make_token(claims, lambda _: b"x" * 256, alg="RS256"),
        encode(b'{"alg":"HS256"}') + "." + encode(b"[" * 2_000) + ".AAAA",
    ]


class HostileUser:
    """The attacks of one user on a stack and on a victim."""

    def __init__(self, stack: Stack, victim: Victim, seconds: float, seed: int = 1) -> None:
        self.stack = stack
        self.user = stack.new_user()
        self.release = self.user.create_release({"book.txt": b"Once"})
        self.victim = victim
        self.seconds = seconds
        self.chance = random.Random(seed)
        self.untried = list(HOSTILE_JOBS)
        self.chance.shuffle(self.untried)
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.answers: collections.Counter[str] = collections.Counter()
        self.faults: list[str] = []
        self.ends: dict[int, str] = {}  # the kind of each hostile job that has ended
        self.stops: dict[int, str] = {}  # the time by which the run of each cancelled job stops

    # -------------------------------------------------------------- requests

    def record(
        self, attack: str, request: str, answer: Answer, *, is_forbidden: bool = False
    ) -> Answer:
        """Counts an answer. One that breaks, or allows what is forbidden, is a fault."""
        with self.lock:
            self.answers[f"{attack}: {answer.status}"] += 1
            size = len(str(answer.body))
            breaks = answer.status >= 500 or (is_forbidden and answer.status < 400)
            if breaks or (answer.status >= 400 and size > MAX_REFUSAL):
                found = f"{attack}: {request[:200]!r} is answered {answer.status}, {size} bytes"
                self.faults.append(f"{found}: {str(answer.body)[:300]}")
        return answer

    def call(
        self,
        attack: str,
        method: str,
        path: str,
        body: object = None,
        *,
        is_forbidden: bool = False,
        **headers: str,
    ) -> Answer:
        """Sends a request to the API, and records its answer."""
        try:
            answer = self.user.call(method, path, body, **headers)
        except (http.client.HTTPException, urllib.error.URLError, ConnectionError) as error:
            # A gateway may close the connection of a client that sends too much.
            answer = Answer(400, f"no answer: {error!r}", http.client.HTTPMessage())
        request = f"{method} {path} {body!r}"
        self.is_over.wait(PAUSE)
        return self.record(attack, request, answer, is_forbidden=is_forbidden)

    # -------------------------------------------------------------- the attacks

    def run(self) -> None:
        """Attacks until the time is over and every hostile job has been tried.

        A job may end before its cancel, so the attack continues until a cancel was in time.
        """
        deadline = time.monotonic() + self.seconds
        repeated = (self.flood, self.send_bodies, self.trespass, self.upload_oddly, self.forge)
        actions: list[Callable[[], None]] = [partial(self.repeat, act) for act in repeated]
        actions += [self.run_hostile_jobs] * FILE_THREADS
        with ThreadPoolExecutor(len(actions)) as pool:
            tasks = [pool.submit(action) for action in actions]
            try:
                while self.has_more_to_do(deadline) and not any(
                    task.done() and task.exception() for task in tasks
                ):
                    time.sleep(0.1)
            finally:
                self.is_over.set()
            for task in tasks:
                task.result()
        self.cancel_all()

    def has_more_to_do(self, deadline: float) -> bool:
        """Returns whether the attack continues."""
        now = time.monotonic()
        return (
            now < deadline
            or bool(self.untried)
            or (not self.stops and now < deadline + CANCEL_TIMEOUT)
        )

    def repeat(self, act: Callable[[], None]) -> None:
        """Repeats an attack until the end."""
        while not self.is_over.is_set():
            act()

    def run_hostile_jobs(self) -> None:
        """Runs one hostile job after another."""
        while not self.is_over.is_set():
            with self.lock:
                is_first = bool(self.untried)
                kind = self.untried.pop() if is_first else self.chance.choice(list(HOSTILE_JOBS))
                is_cancelled = not is_first and self.chance.random() < CANCELLED
            self.run_hostile_job(kind, HOSTILE_JOBS[kind], is_cancelled=is_cancelled)

    def run_hostile_job(self, kind: str, hostile: Hostile, *, is_cancelled: bool) -> None:
        """Uploads hostile files, and runs their job to its end."""
        release = self.user.create_release(hostile.files())
        body = {
            "job_type": hostile.job_type,
            "release_id": release,
            "config_json": dict(hostile.config),
        }
        created = self.call("hostile job", "POST", "/api/jobs", body)
        if created.status != 202:
            return
        job = int(created.body["id"])
        try:
            if is_cancelled:
                wait_until(lambda: self.status(job) != "pending", f"{kind} to start", JOB_TIMEOUT)
                self.cancel("cancel", job)
            wait_until(lambda: self.status(job) in FINAL, f"{kind} to end", JOB_TIMEOUT)
        except AssertionError as late:
            self.faults.append(str(late))
            self.cancel("cancel", job)
        self.ends[job] = kind
        # What a hostile file has put into a result must be readable.
        for path in ("", "/logs", "/status"):
            self.call("read", "GET", f"/api/jobs/{job}{path}")
        self.call("read", "GET", f"/api/releases/{release}")

    def cancel(self, attack: str, job: int) -> None:
        """Cancels a job, and notes when its run must have stopped."""
        answer = self.call(attack, "PUT", f"/api/jobs/{job}/cancel")
        if answer.status == 200 and answer.body.get("stops_by"):
            self.stops[job] = answer.body["stops_by"]

    def status(self, job: int) -> str:
        """Returns the status of a job."""
        return str(self.user.status(job)["status"])

    def flood(self) -> None:
        """Creates jobs and drafts, submits, cancels and retries them; cancels all at a bound."""
        for number in range(FLOOD):
            if self.is_over.is_set():
                return
            body = {
                "job_type": "analysis",
                "release_id": self.release,
                "draft": number % 3 == 0,
            }
            key = f"queue:{number}-{self.chance.random()}"
            created = self.call("flood", "POST", "/api/jobs", body, idempotency_key=key)
            if created.status == TOO_MANY_REQUESTS:
                self.cancel_open("flood")
            if created.status >= 300:
                continue
            job = created.body["id"]
            if number % 3 == 0:
                self.call("flood", "PUT", f"/api/jobs/{job}/submit")
            if number % 2:
                self.cancel("flood", job)
                self.call("flood", "POST", f"/api/jobs/{job}/retry")
        if len(list(self.open_jobs())) > OPEN_FLOOD:
            self.cancel_open("flood")

    def send_bodies(self) -> None:
        """Sends bodies that are hard to read, store and read back."""
        for path, (rest, fields) in BODIES.items():
            for field, value in itertools.product(fields, VALUES):
                if self.is_over.is_set():
                    return
                member = b'"%b":%b' % (field.encode(), value)
                made = self.call("body", "POST", path, b"{%b,%b}" % (rest, member))
                if made.status < 300:
                    own = f"{path}/{made.body['id']}"
                    self.call("body", "GET", own)
                    self.call("body", "PATCH", own, b"{%b}" % member)
                    self.call("body", "GET", own)

    def trespass(self) -> None:
        """Asks for the victim's job and release by every route, and takes a release's id."""
        for routes, resource in (
            (JOB_ROUTES, self.victim.job),
            (RELEASE_ROUTES, self.victim.release),
        ):
            for route, body in routes.items():
                method, path = route.split(" ")
                target = path.format(id=resource)
                self.call("trespass", method, target, body, is_forbidden=True)
        release = self.victim.release
        forbidden: tuple[tuple[str, str, Any], ...] = (
            ("PUT", f"/api/releases/{release}/package", {"job_id": self.victim.job}),
            ("POST", "/api/jobs", {"job_type": "analysis", "release_id": release}),
            ("POST", "/api/jobs", {"job_type": "dirfix", "release_id": release, "draft": True}),
            ("POST", "/api/releases", {"release_type": "ebook", "id": release}),
            ("POST", "/api/releases", {"release_type": "ebook", "id": release + 1}),
            ("POST", "/api/releases", {"release_type": "ebook", "user_id": self.victim.user.id}),
        )
        for method, path, body in forbidden:
            self.call("trespass", method, path, body, is_forbidden=True)
        names = {"victim": self.victim.user.id, "release": release, "job": self.victim.job}
        for path in LISTS:
            asks_for_others = "{" in path and "release_id=" not in path
            self.call("list", "GET", path.format(**names), is_forbidden=asks_for_others)

    def upload_oddly(self) -> None:
        """Signs uploads to odd paths and of odd sizes, and changes signed addresses."""
        files = f"/api/releases/{self.release}/files"
        for path in PATHS:
            self.call("path", "POST", files, {"path": path, "size": 1})
        for size in SIZES:
            self.call("size", "POST", files, {"path": "a.txt", "size": size})
        signed = self.call("size", "POST", files, {"path": "book.txt", "size": 3})
        if signed.status != 201:
            return
        target = signed.body["upload"]
        others = target["url"].replace(
            f"releases/{self.release}/", f"releases/{self.victim.release}/"
        )
        changed: tuple[tuple[str, Mapping[str, Any], bytes], ...] = (
            ("longer", target, b"abcd"),
            ("shorter", target, b""),
            ("another's release", target | {"url": others}, b"abc"),
            (
                "a package",
                target | {"url": target["url"].replace("/source/", "/jobs/1/1/")},
                b"abc",
            ),
            ("deleted", target | {"method": "DELETE"}, b""),
            ("read", target | {"method": "GET"}, b""),
        )
        for name, request, data in changed:
            answer = upload(dict(request), data)
            self.record("signed upload", name, answer, is_forbidden=True)
            self.is_over.wait(PAUSE)

    def forge(self) -> None:
        """Sends forged tokens."""
        for bearer in forged_tokens(self.user.id, self.victim.user.id):
            if self.is_over.is_set():
                return
            headers = {"authorization": f"Bearer {bearer}"}
            with contextlib.suppress(http.client.HTTPException, urllib.error.URLError):
                answer = fetch(f"{self.stack.api_url}/api/jobs", headers=headers, service="API")
                self.record("token", bearer, answer, is_forbidden=True)
            self.is_over.wait(PAUSE)

    # -------------------------------------------------------------- the end

    def open_jobs(self) -> Iterator[int]:
        """Lists the user's drafts, and jobs that wait or run."""
        cursor = ""
        while cursor is not None:
            page = self.user.get(f"/api/jobs?limit=100&status=draft,pending,running{cursor}").body
            yield from (job["id"] for job in page["jobs"])
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    def cancel_open(self, attack: str) -> None:
        """Cancels every open job, hostile ones too."""
        for job in list(self.open_jobs()):
            self.cancel(attack, job)

    def cancel_all(self) -> None:
        """Cancels what is open, until nothing is."""

        def is_empty() -> bool:
            self.cancel_open("cancel")
            return not list(self.open_jobs())

        wait_until(is_empty, "no open job of the hostile user", 60, 1)
