"""The whole system over HTTP and SQS, as an owner, a stranger and an admin."""

import io
import json
import time
import unittest
import zipfile
import zlib

from support import ADMIN, ENV, NOBODY, OWNER, ROOT, STRANGER, UNKNOWN, User, aws, eventually, token, upload


class EndToEnd(unittest.TestCase):
    def test_tokens_are_checked(self):
        self.assertEqual(NOBODY.call("GET", "/api/jobs").status, 401)
        for bad in ("nonsense", token(7, lifetime=-60), token(7)[:-4] + "AAAA"):
            self.assertIn(User(bearer=bad).get("/api/jobs").status, (401, 403))
        self.assertEqual(NOBODY.call("GET", "/health").status, 200)

    def test_a_job_belongs_to_its_owner(self):
        job = OWNER.call("POST", "/api/jobs", {"draft": True}).body["id"]
        routes = [("GET", ""), ("GET", "/status"), ("GET", "/logs"), ("PUT", "/submit"), ("PUT", "/cancel"), ("POST", "/retry")]
        for method, path in routes:
            self.assertEqual(STRANGER.call(method, f"/api/jobs/{job}{path}").status, 403, path)
        self.assertEqual(STRANGER.call("PATCH", f"/api/jobs/{job}", {}).status, 403)
        self.assertEqual(ADMIN.call("PUT", f"/api/jobs/{job}/cancel").status, 200)
        self.assertEqual(OWNER.call("PUT", f"/api/jobs/{job}/cancel").body["status"], "cancelled")

    def test_a_problem_says_that_it_is_one(self):
        answer = OWNER.get(f"/api/jobs/{UNKNOWN}")
        self.assertEqual((answer.status, answer.headers.get_all("content-type")), (404, ["application/problem+json"]))
        self.assertTrue(answer.body["request_id"])

    def test_a_release_belongs_to_its_owner(self):
        release = OWNER.release()
        for method, path, body in [("GET", "", None), ("GET", "/jobs", None), ("GET", "/files", None), ("POST", "/files", {"path": "a", "size": 1})]:
            self.assertEqual(STRANGER.call(method, f"/api/releases/{release}{path}", body).status, 403, path)
            self.assertIn(ADMIN.call(method, f"/api/releases/{release}{path}", body).status, (200, 201), path)

    def test_the_size_of_an_upload_is_enforced(self):
        release = OWNER.release()
        given = OWNER.call("POST", f"/api/releases/{release}/files", {"path": "a.txt", "size": 3}).body["upload"]
        self.assertEqual(upload(given, b"four").status, 403)

    def test_a_packaged_epub_is_accepted_by_other_tools(self):
        epub = (ROOT / "Cargo.lock").read_bytes()
        release = OWNER.release({"book.bin": epub, "art/cover é.txt": b"cover"})
        job = OWNER.create(job_type="packaging", release_id=release, config_json=dict(compression="high"))
        self.assertEqual(OWNER.ended(job)["status"], "completed")
        package = OWNER.files(release, "package/")
        name = next(name for name in package if name.endswith(".zip"))
        with zipfile.ZipFile(io.BytesIO(package[name])) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.read("book.bin"), epub)
        sfv = next(data for name, data in package.items() if name.endswith(".sfv")).decode()
        listed = dict(line.rsplit(" ", 1) for line in sfv.splitlines())
        self.assertEqual(set(listed), {name for name in package if not name.endswith(".sfv")})
        for name, crc in listed.items():
            self.assertEqual(f"{zlib.crc32(package[name]):08X}", crc)
        result = OWNER.call("GET", f"/api/jobs/{job}").body["result"]
        self.assertEqual({file["path"] for file in result["files"]}, set(package))

    def test_volumes_are_joined_to_the_archive(self):
        data = b"".join(bytes([number * 7 % 251]) * 100 for number in range(2_000))
        release = OWNER.release({"data.bin": data})
        job = OWNER.create(job_type="packaging", release_id=release, config_json=dict(compression="store", volume_size=65_536))
        self.assertEqual(OWNER.ended(job)["status"], "completed")
        package = OWNER.files(release, "package/")
        volumes = sorted(name for name in package if ".zip." in name)
        self.assertGreater(len(volumes), 3)
        with zipfile.ZipFile(io.BytesIO(b"".join(package[name] for name in volumes))) as archive:
            self.assertEqual(archive.read("data.bin"), data)

    def test_a_job_without_its_source_explains_itself(self):
        job = OWNER.create(job_type="analysis", release_id=OWNER.release())
        self.assertEqual(OWNER.ended(job)["error"]["code"], "source_missing")
        page = OWNER.call("GET", f"/api/jobs/{job}/logs?level=ERROR").body
        self.assertIn("no source files", page["logs"][-1]["message"])
        self.assertTrue(page["finished"])

    def test_a_submitted_draft_is_analysed_for_the_wizard(self):
        release = OWNER.release({"notes.txt": b"Hello\r\n"})
        job = OWNER.call("POST", "/api/jobs", {"draft": True, "release_id": release}).body["id"]
        self.assertEqual(OWNER.call("PATCH", f"/api/jobs/{job}", {"job_type": "analysis"}).status, 200)
        self.assertEqual(OWNER.call("GET", f"/api/wizard/jobs/{job}/analysis").status, 409)
        self.assertEqual(OWNER.call("PUT", f"/api/jobs/{job}/submit").status, 202)
        self.assertEqual(OWNER.ended(job)["status"], "completed")
        self.assertEqual(OWNER.call("GET", f"/api/wizard/jobs/{job}/analysis").body["mediainfo"]["format"], "text")

    def test_a_producers_message_makes_one_job(self):
        release = OWNER.release({"notes.txt": b"Hello\r\n"})
        body = json.dumps({"job_type": "analysis", "release_id": release, "created_by": 7, "idempotency_key": f"k{release}"})
        for _ in range(3):
            aws("sqs").send_message(QueueUrl=ENV["QUEUE_URL"], MessageBody=body)
        jobs = eventually(lambda: OWNER.call("GET", f"/api/releases/{release}/jobs").body["jobs"])
        self.assertEqual(OWNER.ended(jobs[0]["id"])["status"], "completed")
        self.assertEqual(len(OWNER.call("GET", f"/api/releases/{release}/jobs").body["jobs"]), 1)

    def test_poison_goes_to_the_dead_letter_queue(self):
        poison = f"not json {time.time()}"
        aws("sqs").send_message(QueueUrl=ENV["QUEUE_URL"], MessageBody=poison)

        def arrived():
            got = aws("sqs").receive_message(QueueUrl=ENV["DEAD_LETTER_QUEUE_URL"], MaxNumberOfMessages=10)
            return any(message["Body"] == poison for message in got.get("Messages", []))

        eventually(arrived)


if __name__ == "__main__":
    unittest.main(verbosity=2)
