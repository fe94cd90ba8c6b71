"""A cancel while the processor is at work on the files: of each job type, at a moment that is chosen.

The jobs go through the processor's own binary, on the deployed table and bucket; between it and S3
stands a gate, which holds a request back until the job has been cancelled.
"""

import contextlib
import json
import threading
import time

from faults import proxy
from runtime import event, running
from support import ENV, Case, aws, below, eventually, someone

NAME = "Ada.Example-A.Tested.Book-2026-GRP"


@contextlib.contextmanager
def gate(holds):
    """A proxy that holds back the first call which `holds` picks; gives what tells so, what lets it
    go, and the address."""
    held, may_go = threading.Event(), threading.Event()

    def asked(call):
        if not held.is_set() and holds(call.method, call.path):
            held.set()
            may_go.wait(60)

    with proxy(asked) as address:
        try:
            yield held, may_go, address
        finally:
            may_go.set()


class EveryType(Case):
    def stops(self, user, release, job_type, holds, config=None, step=None):
        """Cancels a job when the gate holds a request of it back, and when its reader sees `step`, if
        one is given; nothing has changed afterwards."""
        before, shown = below(release), user.get(f"/api/releases/{release}").body
        body = {"job_type": job_type, "release_id": release, "created_by": user.id, "config_json": config or {}}
        request = event("process-jobs")
        request["Records"][0] |= {"body": json.dumps(body), "messageId": f"cancel-{time.time_ns()}"}
        with gate(holds) as (held, may_go, address), running("process-jobs", AWS_ENDPOINT_URL_S3=address) as invoke:
            answers = []
            worker = threading.Thread(target=lambda: answers.append(invoke(request)))
            worker.start()
            self.assertTrue(held.wait(30), "the job never came to the gate")
            job = user.get("/api/jobs?limit=1").body["jobs"][0]["id"]
            eventually(lambda: self.at_work(user, job, step), "the progress to be seen", 10)
            cancelled = user.put(f"/api/jobs/{job}/cancel").body
            self.assertEqual((cancelled["status"], "stops_by" in cancelled), ("cancelled", True))
            may_go.set()
            worker.join(30)
            self.assertEqual(answers, [{"batchItemFailures": []}])
        self.assertEqual(below(release), before)
        self.assertEqual(user.get(f"/api/releases/{release}").body, shown)
        details = user.get(f"/api/jobs/{job}").body
        self.assertEqual((details["status"], details["result"], details["error"]), ("cancelled", None, None))
        self.assertLess(details["progress"], 100)
        lines = details["logs"].splitlines()
        self.assertIn(f"({job_type}) started", lines[0])
        self.assertIn(f"Cancelled by user {user.id}", lines[-1])

    def at_work(self, user, job, step):
        """Progress is written every 2 seconds at most: what is seen first may be of an earlier step."""
        status = user.get(f"/api/jobs/{job}/status").body
        seen = status["step"] == step if step else status["step"] or status["message"]
        return status["status"] == "running" and seen

    def packaged(self, user):
        release = user.release({"book.txt": b"Once upon a time\r\n" * 5_000}, metadata={"title": "A Book"})
        config = {"release_name": NAME, "generate_sfv": False}
        job = user.run(job_type="packaging", release_id=release, config_json=config)
        self.assertEqual(job["status"], "completed", job["error"])
        [nfo] = [key for key in below(release) if key.endswith(".nfo")]
        aws("s3").put_object(Bucket=ENV["BUCKET_NAME"], Key=nfo, Body=b"Title\tA Book\n")
        return release

    def reads(self, method, path):
        return method == "GET" and path.endswith((".txt", ".nfo", ".zip"))

    def writes(self, method, path):
        return method == "PUT" and "/jobs/" in path

    def test_analysis(self):
        user = someone()
        self.stops(user, user.release({"book.txt": b"Once"}), "analysis", self.reads)

    def test_packaging(self):
        user, config = someone(), {"release_name": NAME}
        self.stops(user, user.release({"book.txt": b"Once"}), "packaging", self.writes, config, step="archive")

    def test_repack(self):
        user = someone()
        self.stops(user, self.packaged(user), "repack", self.writes, step="archive")

    def test_nfofix(self):
        user = someone()
        self.stops(user, self.packaged(user), "nfofix", self.writes)

    def test_readnfo(self):
        user = someone()
        self.stops(user, self.packaged(user), "readnfo", self.reads, {"apply": True})

    def test_dirfix(self):
        user = someone()
        self.stops(user, self.packaged(user), "dirfix", self.writes)
