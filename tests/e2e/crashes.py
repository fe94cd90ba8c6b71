"""The crash matrix: the processor is killed right before and right after each of its calls to AWS,
in each job type, and left to the system's own recovery.

python tests/e2e/crashes.py DOCUMENT      every point, in real time; writes the table

The killed runs have the deployed table, bucket and queue behind them. What follows is the deployed
system's: the lease runs out, the sweeper sends a message, the processor runs the job again.
"""

import hashlib
import itertools
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from faults import Killer, expire, proxy, sweep
from runtime import LIMIT, Died, event, running
from support import ENV, FINAL, aws, below, eventually, someone

NAME = "Ada.Example-A.Tested.Book-2026-GRP"
LARGE = random.Random(4).randbytes(9_000_000)  # two parts of an upload
PACKAGING = {"release_name": NAME, "compression": "store"}
MOMENTS = ("before", "after")
AT_ONCE = 3
TABLE, BUCKET = ENV["TABLE_NAME"], ENV["BUCKET_NAME"]


def sources(user, large=False):
    files = {"book.txt": b"Once upon a time\r\n" * 5_000}
    return user.release(files | ({"large.bin": LARGE} if large else {}), metadata={"title": "A Book"})


def in_two_runs(user):
    return user.release({"a.bin": LARGE, "book.txt": b"Once upon a time\r\n" * 5_000}, metadata={"title": "A Book"})


def packaged(user, large=False, **config):
    release = sources(user, large)
    job = user.run(job_type="packaging", release_id=release, config_json=PACKAGING | config)
    assert job["status"] == "completed", job
    return release


def with_broken_nfo(user):
    # Without an SFV: the NFO below is not the one that it would list.
    release = packaged(user, generate_sfv=False)
    [nfo] = [key for key in below(release) if key.endswith(".nfo")]
    aws("s3").put_object(Bucket=BUCKET, Key=nfo, Body=b"Title\tA Book\n")
    return release


def is_s3(call):
    return call.service == "S3"


@dataclass
class Kind:
    """What is killed: a job of a type, on a release that `prepare` makes for a user."""

    job_type: str
    prepare: object
    config: dict = field(default_factory=dict)
    folders: int = 1  # packages that are kept: the current one, and the one that it replaced
    refuses: object = lambda call: False
    limit: int = LIMIT  # the seconds that the function has


KINDS = {
    "analysis": Kind("analysis", lambda user: sources(user, large=True), {"path": "large.bin"}, folders=0),
    "packaging": Kind("packaging", lambda user: sources(user, large=True), PACKAGING),
    "repack": Kind("repack", lambda user: packaged(user, large=True), {"compression": "store"}, folders=2),
    "nfofix": Kind("nfofix", with_broken_nfo, folders=2),
    "readnfo": Kind("readnfo", packaged, {"apply": True}),
    "dirfix": Kind("dirfix", with_broken_nfo, folders=2),
    # The run gives the job back and asks the queue for another.
    "packaging while S3 refuses": Kind("packaging", sources, PACKAGING, refuses=is_s3),
    # The time is enough for the first file; the archive is put down, and another run goes on with it.
    "packaging in several runs": Kind("packaging", in_two_runs, PACKAGING, limit=50),
}


class Point:
    """A job of a kind, whose processor is killed at its call `number`; or never, as a reference."""

    def __init__(self, kind, number=None, moment="before"):
        self.kind, self.number, self.moment = kind, number, moment
        self.user = someone()
        self.release = KINDS[kind].prepare(self.user)
        self.before = {job["id"] for job in self.jobs()}
        self.message = {
            "job_type": KINDS[kind].job_type, "release_id": self.release, "created_by": self.user.id,
            "config_json": KINDS[kind].config, "idempotency_key": f"point-{self.user.id}",
        }

    def jobs(self):
        return self.user.get("/api/jobs").body["jobs"]

    def find(self):
        """The job of the message; None before it exists."""
        new = [job["id"] for job in self.jobs() if job["id"] not in self.before]
        assert len(new) < 2, f"one message made {len(new)} jobs"
        self.job = new[0] if new else None
        return self.job

    def crash(self):
        """Hands the message to a processor that does not outlive its call."""
        killer = Killer(self.number, self.moment, KINDS[self.kind].refuses)
        request = event("process-jobs")
        request["Records"][0] |= {"body": json.dumps(self.message), "messageId": f"m-{self.user.id}"}
        with proxy(killer.asked, killer.answered) as address:
            with running("process-jobs", limit=KINDS[self.kind].limit, AWS_ENDPOINT_URL=address) as invoke:
                killer.pid = invoke.pid
                try:
                    assert invoke(request) == {"batchItemFailures": []}
                except Died:
                    assert killer.killed, "the processor ended by itself"
        self.calls, self.call = killer.calls, killer.killed
        self.left = self.user.get(f"/api/jobs/{self.find()}/status").body["status"] if self.find() else "not created"
        if not self.job:
            self.deliver()
        return self

    def deliver(self):
        """What SQS does with a message that nobody has deleted: it comes again."""
        aws("sqs").send_message(QueueUrl=ENV["QUEUE_URL"], MessageBody=json.dumps(self.message))

    def item(self):
        key = {"pk": {"S": f"JOB#{self.job}"}, "sk": {"S": "META"}}
        return aws("dynamodb").get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {})

    def is_final(self):
        return bool(self.job or self.find()) and self.item()["status"]["S"] in FINAL

    def is_tidy(self):
        return "due_at" not in self.item()

    def look(self):
        """What there is now, for comparison with the reference."""
        self.details = self.user.get(f"/api/jobs/{self.job}").body
        files = {} if KINDS[self.kind].folders == 0 else self.user.files(self.release, "package/")
        self.package = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        return self

    def faults(self, reference):
        """What is not as it should be, in words."""
        kind, job = KINDS[self.kind], self.look().details
        ended = [job["status"], job["progress"], job["error"]]
        yield from said(ended == ["completed", 100, None], f"it ended as {ended}")
        outcomes = [run["outcome"] for run in job["attempts"]]
        yield from said(outcomes[-1:] == ["completed"], f"its attempts ended as {outcomes}")
        crashed = outcomes.count("crashed")
        yield from said(crashed <= 1 and job["attempt"] == 1 + crashed, f"attempt {job['attempt']} after {outcomes}")
        log = self.user.get(f"/api/jobs/{self.job}/logs?limit=1000").body["logs"]
        yield from said([line["seq"] for line in log] == list(range(1, len(log) + 1)), "its log has a gap or a repeat")
        ends = [line["message"] for line in log].count("Job completed")
        yield from said(ends == 1 and log[-1]["message"] == "Job completed", f"its log has {ends} ends")
        self.lines = len(log)

        keys, item = below(self.release), self.item()
        folders = {key.rsplit("/jobs/", 1)[1].split("/")[0] for key in keys}
        runs = {"/".join(key.rsplit("/jobs/", 1)[1].split("/")[:2]) for key in keys}
        yield from said(len(runs) == len(folders) == kind.folders, f"the bucket has {sorted(runs)}")
        yield from said("lease_expires_at" not in item and "due_at" not in item, "a lease or an appointment is left")
        # The release's current package is right, and it is there once.
        if job["created_at"][:10] == reference.details["created_at"][:10]:
            yield from said(self.package == reference.package, "its package is another than without a crash")
        if kind.folders:
            [current] = [run for run in runs if run.startswith(f"{self.job}/")] or [None]
            if kind.folders == 2 or kind.job_type == "packaging":
                yield from said(current is not None, "its output is not the current package")
        else:
            yield from said(job["result"] == reference.details["result"], "its result is another than without a crash")

    def faults_afterwards(self):
        """The message comes once more, and another job wants the release."""
        before = self.details
        self.deliver()
        count = before["duplicate_deliveries"] + 1

        def came():
            job = self.user.get(f"/api/jobs/{self.job}").body
            return job if job["duplicate_deliveries"] == count else None

        after = eventually(came, "the duplicate to be counted")
        yield from said(after == before | {"duplicate_deliveries": count}, "a duplicate changed it")
        if KINDS[self.kind].folders:
            follower = self.user.run(job_type="dirfix", release_id=self.release)
            yield from said(
                (follower["status"], len(follower["attempts"])) == ("completed", 1), f"the next job: {follower['error']}"
            )


def said(holds, fault):
    return [] if holds else [fault]


def recovered(points, hurry):
    """Waits for the system to do its work. In a hurry, the table's times are set back for it."""
    for is_over, what in ((Point.is_final, "to end"), (Point.is_tidy, "to be tidied")):
        if hurry:
            for point in points:
                if point.job and not is_over(point):
                    expire(point.item())
            sweep()
        for point in points:
            eventually(lambda: is_over(point), f"the job of {point.kind}, {point.number}, {point.moment} {what}", 900)


def matrix(kinds, hurry=False, take=lambda points: points):
    """Kills at every point that `take` leaves of a kind; gives the points with their `wrong`."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        references = {kind: point for kind, point in zip(kinds, pool.map(lambda kind: Point(kind).crash(), kinds))}
        if hurry:
            recovered(list(references.values()), hurry)
        places = [
            (kind, number, moment)
            for kind in kinds
            for number, moment in take(list(itertools.product(range(1, len(references[kind].calls) + 1), MOMENTS)))
        ]
        points = list(pool.map(lambda place: Point(*place).crash(), places))
        recovered([*references.values(), *points], hurry)
        for reference in references.values():
            reference.look()

        def judge(point):
            reference = references[point.kind]
            point.wrong = [*point.faults(reference), *point.faults_afterwards()]
            return point

        return list(pool.map(judge, points))


def document(points):
    """The table, as it stands in docs/."""
    wrong = [point for point in points if point.wrong]
    killed = [point for point in points if point.call]
    yield "# Crash matrix"
    yield ""
    yield "Made by `make crash-matrix`. The processor was killed (`SIGKILL`) right before AWS heard of a call, or right"
    yield "after AWS had answered it; everything after that was left to the deployed system. *Left as* is the job's status"
    yield "at the kill. Of each job was asked: it is completed; the outcome of each attempt is right; its log has no gap and"
    yield "one end; its output is there once, complete, and the same as without a crash; no other file or upload of it is in"
    yield "the bucket; it has no lease; its message, delivered again, changes nothing; the next job of the release runs at once."
    yield ""
    yield f"{len(killed)} points, {len(wrong)} exceptions."
    for kind, of_kind in itertools.groupby(points, lambda point: point.kind):
        yield ""
        yield f"## {kind}"
        yield "| call | killed | left as | attempts | log lines | exceptions |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for point in of_kind:
            if point.call:
                attempts, faults = point.details["attempt"], "; ".join(point.wrong) or "none"
                where = f"{point.number}. {point.call} | {point.moment}"
                yield f"| {where} | {point.left} | {attempts} | {point.lines} | {faults} |"


def main(path):
    begun = time.monotonic()
    points = matrix(list(KINDS))
    text = "\n".join(document(points)) + "\n"
    Path(path).write_text(text)
    print(text)
    print(f"{path} written after {time.monotonic() - begun:.0f} s")
    if any(point.wrong for point in points):
        sys.exit("error: not every point is without exception")


if __name__ == "__main__":
    main(sys.argv[1])
