"""End to end over HTTP and SQS against the deployed template, as an owner, a stranger and an admin."""

import io
import json
import sys
import time
import unittest
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
from local import aws, read_env  # noqa: E402
from tokens import token  # noqa: E402

ENV = read_env()
PORT = ENV["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]
ENDPOINT = ("--endpoint-url", ENV["AWS_ENDPOINT_URL"])
OWNER, STRANGER, ADMIN = token(7), token(8), token(1, "admin")


def call(bearer, method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if bearer:
        headers["authorization"] = f"Bearer {bearer}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ENV["API_URL"] + path, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def eventually(what, seconds=60):
    """Asks `what` until it answers something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def ended(job):
    def final():
        status = call(OWNER, "GET", f"/api/jobs/{job}/status")[1]
        return status if status["status"] in ("completed", "failed", "cancelled") else None

    return eventually(final)


def put(upload, data):
    # The client sends the length of what it has: S3 compares it with the one that was signed.
    request = urllib.request.Request(upload["url"], method="PUT", data=data)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def release_with(files):
    release = call(OWNER, "POST", "/api/releases", {"release_type": "ebook", "group": "GRP", "metadata": {"title": "A Tested Book"}})[1]["id"]
    for path, data in files.items():
        status, answer = call(OWNER, "POST", f"/api/releases/{release}/files", {"path": path, "size": len(data)})
        assert status == 201, answer
        assert put(answer["upload"], data) == 200
    return release


def start(job_type, release, **config):
    status, job = call(OWNER, "POST", "/api/jobs", {"job_type": job_type, "release_id": release, "config_json": config})
    assert status == 202, job
    return job["id"]


def package_of(release):
    files = call(OWNER, "GET", f"/api/releases/{release}/files")[1]["files"]
    found = {}
    for file in files:
        if file["path"].startswith("package/"):
            with urllib.request.urlopen(file["url"], timeout=30) as answer:
                found[file["path"].removeprefix("package/")] = answer.read()
    return found


class EndToEnd(unittest.TestCase):
    def test_tokens_are_checked(self):
        self.assertEqual(call(None, "GET", "/api/jobs")[0], 401)
        for bad in ("nonsense", token(7, lifetime=-60), OWNER[:-4] + "AAAA"):
            self.assertIn(call(bad, "GET", "/api/jobs")[0], (401, 403))
        self.assertEqual(call(None, "GET", "/health")[0], 200)

    def test_a_job_belongs_to_its_owner(self):
        job = call(OWNER, "POST", "/api/jobs", {"draft": True})[1]["id"]
        routes = [("GET", ""), ("GET", "/status"), ("GET", "/logs"), ("PUT", "/submit"), ("PUT", "/cancel"), ("POST", "/retry")]
        for method, path in routes:
            self.assertEqual(call(STRANGER, method, f"/api/jobs/{job}{path}")[0], 403, path)
        self.assertEqual(call(STRANGER, "PATCH", f"/api/jobs/{job}", {})[0], 403)
        self.assertEqual(call(ADMIN, "PUT", f"/api/jobs/{job}/cancel")[0], 200)
        self.assertEqual(call(OWNER, "PUT", f"/api/jobs/{job}/cancel")[1]["status"], "cancelled")

    def test_a_release_belongs_to_its_owner(self):
        release = release_with({})
        for method, path, body in [("GET", "", None), ("GET", "/jobs", None), ("GET", "/files", None), ("POST", "/files", {"path": "a", "size": 1})]:
            self.assertEqual(call(STRANGER, method, f"/api/releases/{release}{path}", body)[0], 403, path)
            self.assertIn(call(ADMIN, method, f"/api/releases/{release}{path}", body)[0], (200, 201), path)

    def test_the_size_of_an_upload_is_enforced(self):
        release = release_with({})
        upload = call(OWNER, "POST", f"/api/releases/{release}/files", {"path": "a.txt", "size": 3})[1]["upload"]
        self.assertEqual(put(upload, b"four"), 403)

    def test_a_packaged_epub_is_accepted_by_other_tools(self):
        epub = (ROOT / "Cargo.lock").read_bytes()
        release = release_with({"book.bin": epub, "art/cover é.txt": b"cover"})
        job = start("packaging", release, compression="high")
        self.assertEqual(ended(job)["status"], "completed")
        package = package_of(release)
        name = next(name for name in package if name.endswith(".zip"))
        with zipfile.ZipFile(io.BytesIO(package[name])) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.read("book.bin"), epub)
        sfv = next(data for name, data in package.items() if name.endswith(".sfv")).decode()
        listed = dict(line.rsplit(" ", 1) for line in sfv.splitlines())
        self.assertEqual(set(listed), {name for name in package if not name.endswith(".sfv")})
        for name, crc in listed.items():
            self.assertEqual(f"{zlib.crc32(package[name]):08X}", crc)
        result = call(OWNER, "GET", f"/api/jobs/{job}")[1]["result"]
        self.assertEqual({file["path"] for file in result["files"]}, set(package))

    def test_volumes_are_joined_to_the_archive(self):
        data = b"".join(bytes([number * 7 % 251]) * 100 for number in range(2_000))
        release = release_with({"data.bin": data})
        job = start("packaging", release, compression="store", volume_size=65_536)
        self.assertEqual(ended(job)["status"], "completed")
        package = package_of(release)
        volumes = sorted(name for name in package if ".zip." in name)
        self.assertGreater(len(volumes), 3)
        with zipfile.ZipFile(io.BytesIO(b"".join(package[name] for name in volumes))) as archive:
            self.assertEqual(archive.read("data.bin"), data)

    def test_a_job_without_its_source_explains_itself(self):
        job = start("analysis", release_with({}))
        self.assertEqual(ended(job)["error"]["code"], "source_missing")
        page = call(OWNER, "GET", f"/api/jobs/{job}/logs?level=ERROR")[1]
        self.assertIn("no source files", page["logs"][-1]["message"])
        self.assertTrue(page["finished"])

    def test_a_submitted_draft_is_analysed_for_the_wizard(self):
        release = release_with({"notes.txt": b"Hello\r\n"})
        job = call(OWNER, "POST", "/api/jobs", {"draft": True, "release_id": release})[1]["id"]
        self.assertEqual(call(OWNER, "PATCH", f"/api/jobs/{job}", {"job_type": "analysis"})[0], 200)
        self.assertEqual(call(OWNER, "GET", f"/api/wizard/jobs/{job}/analysis")[0], 409)
        self.assertEqual(call(OWNER, "PUT", f"/api/jobs/{job}/submit")[0], 202)
        self.assertEqual(ended(job)["status"], "completed")
        self.assertEqual(call(OWNER, "GET", f"/api/wizard/jobs/{job}/analysis")[1]["mediainfo"]["format"], "text")

    def test_a_producers_message_makes_one_job(self):
        release = release_with({"notes.txt": b"Hello\r\n"})
        body = json.dumps({"job_type": "analysis", "release_id": release, "created_by": 7, "idempotency_key": f"k{release}"})
        for _ in range(3):
            aws(PORT, "sqs", "send-message", *ENDPOINT, "--queue-url", ENV["QUEUE_URL"], "--message-body", body)
        jobs = eventually(lambda: call(OWNER, "GET", f"/api/releases/{release}/jobs")[1]["jobs"])
        self.assertEqual(ended(jobs[0]["id"])["status"], "completed")
        self.assertEqual(len(call(OWNER, "GET", f"/api/releases/{release}/jobs")[1]["jobs"]), 1)

    def test_poison_goes_to_the_dead_letter_queue(self):
        poison = f"not json {time.time()}"
        aws(PORT, "sqs", "send-message", *ENDPOINT, "--queue-url", ENV["QUEUE_URL"], "--message-body", poison)

        def arrived():
            got = aws(PORT, "sqs", "receive-message", *ENDPOINT, "--queue-url", ENV["DEAD_LETTER_QUEUE_URL"], "--max-number-of-messages", "10")
            return any(message["Body"] == poison for message in got.get("Messages", []))

        eventually(arrived)


if __name__ == "__main__":
    unittest.main(verbosity=2)
