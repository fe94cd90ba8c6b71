"""Clients of the HTTP API, and its answers."""

import json
import urllib.error
import urllib.request
from email.message import Message
from typing import Any, NamedTuple

from document import Exchange, check
from requests_sent import count
from routes import ROUTES, UNKNOWN_ID
from waiting import wait_until

FINAL = ("completed", "failed", "cancelled")
TIMEOUT = 60  # seconds for one request
BAD_REQUEST, TOO_MANY_REQUESTS, SERVER_ERROR = 400, 429, 500


class Answer(NamedTuple):
    """An HTTP response. `body` is parsed JSON, or text if the response is not JSON."""

    status: int
    body: Any
    headers: Message


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Returns a redirect as the answer."""

    def redirect_request(self, *_: Any) -> None:
        """Follows none."""


OPENER = urllib.request.build_opener(NoRedirects)


def fetch(
    url: str,
    method: str = "GET",
    data: bytes | None = None,
    headers: dict[str, str] | None = None,
    service: str = "s3 presigned",
) -> Answer:
    """Sends a request and returns the response of any status, with its body as bytes.

    It is counted as a request to `service`.
    """
    count(f"{service} {method}")
    # Without one, urllib adds a content type that the signature of an upload does not cover.
    headers = {"content-type": "application/octet-stream"} | (headers or {})
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    try:
        with OPENER.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.read(), response.headers)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), error.headers)


def upload(target: dict[str, Any], data: bytes) -> Answer:
    """Uploads a file with the request in the API's answer to `POST .../files`."""
    # The client sends the length of its data, which S3 compares with the signed length.
    headers = {name: text for name, text in target["headers"].items() if name != "content-length"}
    return fetch(target["url"], target["method"], data, headers)


def assert_problem(answer: Answer, status: int, urn: str, *fields: str) -> None:
    """Checks that an answer is an RFC 9457 problem of this type, with exactly these fields."""
    assert answer.status == status, answer
    assert answer.headers.get_all("content-type") == ["application/problem+json"]
    problem = answer.body
    assert (problem["type"], problem["status"]) == (f"urn:jobs:{urn}", status)
    assert [error["field"] for error in problem.get("errors", [])] == list(fields), problem
    for name in ("title", "detail", "request_id"):
        assert problem[name], problem
        assert isinstance(problem[name], str), problem


class Client:
    """A caller of the API, with or without a token."""

    def __init__(self, api_url: str, bearer: str | None = None) -> None:
        self.api_url = api_url
        self.headers = {"authorization": f"Bearer {bearer}"} if bearer else {}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Sends a request. A `body` that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        sent = {"content-type": "application/json"} | self.headers | named
        answer = fetch(self.api_url + path, method, data, sent, service="API")
        if answer.status == TOO_MANY_REQUESTS or answer.status >= SERVER_ERROR:
            count(f"API answered {answer.status}")
        # API Gateway adds a content type to an answer without a body.
        is_json = answer.body and "json" in answer.headers.get("content-type", "")
        answer = answer._replace(body=json.loads(answer.body) if is_json else answer.body.decode())
        given = body
        if isinstance(body, bytes) and answer.status < BAD_REQUEST:
            # As API Gateway passes it on.
            given = json.loads(body.decode(errors="replace"))
        kind = answer.headers.get("content-type", "")
        check(Exchange(method, path, given, answer.status, kind, answer.body))
        return answer

    def call_route(self, route: str, resource_id: object = UNKNOWN_ID) -> Answer:
        """Calls a route of `ROUTES` with the body listed there."""
        method, path = route.split(" ")
        return self.call(method, path.format(id=resource_id), ROUTES[route])

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: object = None) -> Answer:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: object) -> Answer:
        return self.call("PATCH", path, body)


class User(Client):
    """A client with a user's token."""

    def __init__(self, api_url: str, bearer: str, user_id: int) -> None:
        super().__init__(api_url, bearer)
        self.id = user_id

    def create_job(self, **fields: Any) -> int:
        """Creates a job and returns its id. A job that names no release gets a new one."""
        if not fields.get("draft") and "release_id" not in fields:
            fields["release_id"] = self.create_release()
        answer = self.post("/api/jobs", fields)
        assert answer.status in (201, 202), answer
        return int(answer.body["id"])

    def create_draft(self, **fields: Any) -> int:
        """Creates a draft and returns its id."""
        return self.create_job(draft=True, **fields)

    def job(self, job_id: int) -> Any:
        """Returns the details of a job."""
        return self.get(f"/api/jobs/{job_id}").body

    def status(self, job_id: int) -> Any:
        """Returns the status of a job, as clients poll it."""
        return self.get(f"/api/jobs/{job_id}/status").body

    def jobs(self) -> list[Any]:
        """Returns the first page of the user's jobs, newest first."""
        return list(self.get("/api/jobs").body["jobs"])

    def log(self, job_id: int) -> list[Any]:
        """Returns the first thousand lines of a job's log."""
        return list(self.get(f"/api/jobs/{job_id}/logs?limit=1000").body["logs"])

    def wait_for_end(self, job_id: int) -> Any:
        """Waits until a job is final and returns its status."""

        def final_status() -> Any:
            status = self.status(job_id)
            return status if status["status"] in FINAL else None

        return wait_until(final_status, f"job {job_id} to end")

    def run_job(self, **fields: Any) -> Any:
        """Creates a job, waits for its end and returns its details."""
        job_id = self.create_job(**fields)
        self.wait_for_end(job_id)
        return self.job(job_id)

    def cancelled_draft(self, **fields: Any) -> int:
        """Creates a draft, cancels it and returns its id."""
        job_id = self.create_draft(**fields)
        assert self.put(f"/api/jobs/{job_id}/cancel").status == 200
        return job_id

    def create_release(self, files: dict[str, bytes] | None = None, **fields: Any) -> int:
        """Creates a release with these source files and returns its id."""
        defaults = {
            "release_type": "ebook",
            "group": "GRP",
            "metadata": {"title": "A Tested Book"},
        }
        answer = self.post("/api/releases", defaults | fields)
        assert answer.status == 201, answer
        release_id = int(answer.body["id"])
        for path, data in (files or {}).items():
            added = self.post(
                f"/api/releases/{release_id}/files", {"path": path, "size": len(data)}
            )
            assert added.status == 201, added
            assert upload(added.body["upload"], data).status == 200, path
        return release_id

    def file_entries(self, release_id: int) -> list[Any]:
        """Lists a release's files."""
        path, entries, cursor = f"/api/releases/{release_id}/files?limit=500", [], ""
        while True:
            page = self.get(path + cursor).body
            entries += page["files"]
            if page["next_cursor"] is None:
                return entries
            cursor = f"&cursor={page['next_cursor']}"

    def release(self, release_id: int) -> Any:
        """Returns a release."""
        return self.get(f"/api/releases/{release_id}").body

    def files(self, release_id: int, folder: str) -> dict[str, bytes]:
        """Downloads a release's files below `source/` or `package/`; returns them by path."""
        found = {}
        for file in self.file_entries(release_id):
            if file["path"].startswith(folder):
                answer = fetch(file["url"])
                assert answer.status == 200, file
                assert len(answer.body) == file["size"], file
                found[file["path"].removeprefix(folder)] = answer.body
        return found
