"""What the end-to-end tests share: users who call the API, and a look behind it."""

import functools
import json
import random
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import boto3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
from local import read_env  # noqa: E402
from tokens import token  # noqa: E402

ENV = read_env()
FINAL = ("completed", "failed", "cancelled")
UNKNOWN = 7338214520942592  # an id of the next century
# Every route with a token: what the job's or the release's id is put into, and a body that it takes.
JOB_ROUTES = {
    "GET /api/jobs/{id}": None,
    "PATCH /api/jobs/{id}": {},
    "GET /api/jobs/{id}/status": None,
    "GET /api/jobs/{id}/logs": None,
    "PUT /api/jobs/{id}/cancel": None,
    "PUT /api/jobs/{id}/submit": None,
    "POST /api/jobs/{id}/retry": None,
    "GET /api/wizard/jobs/{id}/status": None,
    "GET /api/wizard/jobs/{id}/logs": None,
    "GET /api/wizard/jobs/{id}/analysis": None,
}
RELEASE_ROUTES = {
    "GET /api/releases/{id}": None,
    "GET /api/releases/{id}/jobs": None,
    "GET /api/releases/{id}/files": None,
    "POST /api/releases/{id}/files": {"path": "a.txt", "size": 1},
}
PLAIN_ROUTES = {
    "GET /api/jobs": None,
    "POST /api/jobs": {"draft": True},
    "POST /api/releases": {"release_type": "ebook"},
}
ROUTES = PLAIN_ROUTES | JOB_ROUTES | RELEASE_ROUTES


class Answer(NamedTuple):
    status: int
    body: object  # the JSON, or the text where it is none
    headers: dict


def fetch(url, method="GET", data=None, headers=None):
    # urllib would add a content type of its own, which nobody signed.
    headers = {"content-type": "application/octet-stream"} | (headers or {})
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), error.headers)


class User:
    """Someone who calls the API with a token."""

    def __init__(self, id=None, role=None, bearer=None):
        self.id = id
        self.headers = {"authorization": f"Bearer {bearer or token(id, role)}"} if id or bearer else {}

    def call(self, method, path, body=None, **headers):
        """A `body` of bytes is sent as it is, another as JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json"} | self.headers | headers
        answer = fetch(ENV["API_URL"] + path, method, data, given)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer._replace(body=json.loads(answer.body) if is_json else answer.body.decode())

    def ask(self, route, id=UNKNOWN):
        """Calls a route of `ROUTES`."""
        method, path = route.split(" ")
        return self.call(method, path.format(id=id), ROUTES[route])

    get = functools.partialmethod(call, "GET")
    post = functools.partialmethod(call, "POST")
    put = functools.partialmethod(call, "PUT")
    patch = functools.partialmethod(call, "PATCH")

    def create(self, **fields):
        """Creates a job; gives its id."""
        answer = self.post("/api/jobs", fields)
        assert answer.status in (201, 202), answer
        return answer.body["id"]

    def draft(self, **fields):
        return self.create(draft=True, **fields)

    def ended(self, job):
        """The status of a job once it is final."""
        return eventually(lambda: self._if_final(job), f"job {job} to end")

    def _if_final(self, job):
        status = self.get(f"/api/jobs/{job}/status").body
        return status if status["status"] in FINAL else None

    def run(self, **fields):
        """Creates a job and waits for its end; gives its details."""
        job = self.create(**fields)
        self.ended(job)
        return self.get(f"/api/jobs/{job}").body

    def release(self, files=None, **fields):
        """Creates a release with these source files; gives its id."""
        named = {"release_type": "ebook", "group": "GRP", "metadata": {"title": "A Tested Book"}}
        answer = self.post("/api/releases", named | fields)
        assert answer.status == 201, answer
        for path, data in (files or {}).items():
            added = self.post(f"/api/releases/{answer.body['id']}/files", {"path": path, "size": len(data)})
            assert added.status == 201, added
            assert upload(added.body["upload"], data).status == 200, path
        return answer.body["id"]

    def files(self, release, folder):
        """The content of a release's files below `source/` or `package/`, by path."""
        listed = self.get(f"/api/releases/{release}/files").body["files"]
        found = {}
        for file in listed:
            if file["path"].startswith(folder):
                content = fetch(file["url"])
                assert content.status == 200 and len(content.body) == file["size"], file
                found[file["path"].removeprefix(folder)] = content.body
        return found


class Case(unittest.TestCase):
    """A test case that knows what a refusal looks like."""

    maxDiff = None

    def refused(self, answer, status, urn, *fields):
        """Checks a problem (RFC 9457): its status, its type, and the fields that it names."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get_all("content-type"), ["application/problem+json"])
        problem = answer.body
        self.assertEqual((problem["type"], problem["status"]), (f"urn:jobs:{urn}", status))
        self.assertEqual([each["field"] for each in problem.get("errors", [])], list(fields), problem)
        for text in (problem["title"], problem["detail"], problem["request_id"]):
            self.assertTrue(text and isinstance(text, str), problem)


def upload(given, data):
    # A client sends the length of what it has: S3 compares it with the one that was signed.
    headers = {name: value for name, value in given["headers"].items() if name != "content-length"}
    return fetch(given["url"], given["method"], data, headers)


def someone():
    """A user whom no other test knows."""
    return User(random.randrange(10**6, 10**12))


def eventually(what, name="it", seconds=90):
    """Asks `what` until it answers something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {name}")


def aws(service):
    names = ("AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    region, endpoint, key, secret = (ENV[name] for name in names)
    return boto3.client(
        service, region_name=region, endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret
    )


def below(release):
    """The keys of everything that jobs have left of a release."""
    prefix = f"releases/{release}/jobs/"
    uploads = aws("s3").list_multipart_uploads(Bucket=ENV["BUCKET_NAME"]).get("Uploads", [])
    files = aws("s3").list_objects_v2(Bucket=ENV["BUCKET_NAME"], Prefix=prefix).get("Contents", [])
    return {each["Key"] for each in [*files, *uploads] if each["Key"].startswith(prefix)}


OWNER, STRANGER, ADMIN, NOBODY = User(7), User(8), User(1, "admin"), User()
