"""The soak: thousands of jobs of many users through processors that are killed and throttled, while
messages come twice and users cancel. Afterwards every job is right.

python tests/e2e/soak.py [JOBS]

The messages go through a queue of the soak's own, whose pollers feed processors as Lambda does;
table, bucket, sweeper, and the processor that runs what the sweeper rescues are the deployed ones.
"""

import collections
import contextlib
import itertools
import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from faults import Gone, Killer, expire, proxy, sweep
from runtime import Died, event, running
from support import ENV, FINAL, aws, below, eventually, someone

USERS, PER_RELEASE = 20, 10
DUPLICATES, KILLS, THROTTLED, CANCELS = 0.2, 0.05, 0.05, 0.05
POLLERS = 3
LEASE, SILENCE = 60_000, 12_000  # a run's lease, and after how long without a heartbeat it is dead, in ms
VISIBILITY = 30  # seconds until SQS delivers again what nobody has deleted
NAME = "Ada.Example-A.Tested.Book-2026-GRP"
ANALYSIS = ("analysis", {"path": "book.txt"})
KINDS = [ANALYSIS, ANALYSIS, ("packaging", {"release_name": NAME}), ("readnfo", {"apply": True})]
NFO = "Title: A Book\nAuthor: Ada Example\n".encode()


class Faulty(Killer):
    """Lets a processor die at a call when it is told to, and throttles some calls all the time."""

    def __init__(self, chance):
        super().__init__(refuses=lambda call: chance.random() < THROTTLED)
        self.throttled, self.at_claim = 0, False

    def asked(self, call):
        answer = super().asked(call)
        self.throttled += answer is not None
        return answer

    def answered(self, call):
        with self.lock:
            # A run's first update is its claim.
            if self.at_claim and call.operation == "UpdateItem":
                self.kill(call)
        super().answered(call)

    def dies_at(self, number, moment, at_claim):
        with self.lock:
            self.calls.clear()
            self.number, self.moment, self.at_claim = number, moment, at_claim


class Soak:
    def __init__(self, count, seed):
        self.count, self.chance = count, random.Random(seed)
        self.sqs, self.seen = aws("sqs"), collections.Counter()
        self.lock, self.over = threading.Lock(), threading.Event()
        self.cancelled, self.completed_first = set(), set()
        self.crashed = False

    def prepare(self):
        self.users = [someone() for _ in range(min(USERS, self.count))]
        owners = [self.users[at % len(self.users)] for at in range(max(len(self.users), self.count // PER_RELEASE))]
        files = {"book.txt": b"Once upon a time\r\n" * 2_000, "book.nfo": NFO}
        with ThreadPoolExecutor(POLLERS) as pool:
            made = list(pool.map(lambda user: user.release(files, metadata={"title": "A Book"}), owners))
        self.releases = list(zip(owners, made))
        self.queue = self.sqs.create_queue(
            QueueName=f"soak-{random.randrange(10**9)}", Attributes={"VisibilityTimeout": str(VISIBILITY)}
        )["QueueUrl"]

    def produce(self):
        """Sends every submission once, and some twice."""
        for number in range(self.count):
            user, release = self.releases[number % len(self.releases)]
            job_type, config = KINDS[self.chance.randrange(len(KINDS))]
            body = json.dumps({
                "job_type": job_type, "release_id": release, "created_by": user.id, "config_json": config,
                "idempotency_key": f"soak-{number}",
            })
            for _ in range(1 + (self.chance.random() < DUPLICATES)):
                self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)
                self.seen["messages"] += 1

    def poll(self, seed):
        """One poller of Lambda's, with one processor: a new one whenever it has died."""
        chance = random.Random(seed)
        while not self.over.is_set():
            faulty = Faulty(chance)
            with proxy(faulty.asked, faulty.answered) as address:
                with running("process-jobs", AWS_ENDPOINT_URL=address) as invoke, contextlib.suppress(Died, Gone):
                    faulty.pid = invoke.pid
                    self.feed(invoke, faulty, chance)
            with self.lock:
                self.seen["kills"] += faulty.killed is not None
                self.seen["throttled calls"] += faulty.throttled

    def feed(self, invoke, faulty, chance):
        while not self.over.is_set():
            given = self.sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get("Messages", [])
            for message in given:
                with self.lock:
                    self.seen["deliveries"] += 1
                    # One of the first user's, who cancels none, always: a small soak has a crashed attempt too.
                    at_claim = not self.crashed and json.loads(message["Body"])["created_by"] == self.users[0].id
                    self.crashed |= at_claim
                dies = chance.random() < KILLS and not at_claim
                number, moment = chance.randrange(2, 12), chance.choice(("before", "after"))
                faulty.dies_at(number if dies else None, moment, at_claim)
                request = event("process-jobs")
                request["Records"][0] |= {"body": message["Body"], "messageId": message["MessageId"]}
                if invoke(request)["batchItemFailures"]:
                    self.seen["given back"] += 1
                else:
                    self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def cancel(self, seed):
        """Cancels jobs now and then, whatever they do; notes what it was answered."""
        chance, tried = random.Random(seed), set()
        while not self.over.is_set() and len(tried) < max(1, self.count * CANCELS):
            user = chance.choice(self.users[1:])
            open_jobs = [job for job in user.get("/api/jobs?limit=50").body["jobs"] if job["status"] not in FINAL]
            if not open_jobs:
                time.sleep(0.1)
                continue
            job = chance.choice(open_jobs)["id"]
            tried.add(job)
            answer = user.put(f"/api/jobs/{job}/cancel")
            assert answer.status in (200, 409), answer
            (self.cancelled if answer.status == 200 else self.completed_first).add(job)

    def jobs(self, user):
        """All jobs of a user, through the list."""
        jobs, cursor = [], ""
        while cursor is not None:
            page = user.get(f"/api/jobs?limit=100{cursor and f'&cursor={cursor}'}").body
            jobs += page["jobs"]
            cursor = page["next_cursor"]
        return jobs

    def is_over(self):
        jobs = [job for user in self.users for job in self.jobs(user)]
        finals = sum(job["status"] in FINAL for job in jobs)
        if time.monotonic() > self.told + 15:
            self.told = time.monotonic()
            print(f"  {finals} of {len(jobs)} jobs have ended", flush=True)
        return len(jobs) >= self.count and finals == len(jobs)

    def hasten(self):
        """Spares the wait for what is dead or has ended: a run that is alive has a heartbeat every two seconds."""
        now = time.time() * 1000
        for item in self.untidy():
            status, lease = item["status"]["S"], int(item.get("lease_expires_at", {"N": "0"})["N"])
            if status in FINAL or status == "running" and lease - LEASE < now - SILENCE:
                expire(item)
        sweep()

    def run(self, hurry):
        self.prepare()
        self.told = time.monotonic()
        seeds = [self.chance.random() for _ in range(POLLERS + 1)]
        with ThreadPoolExecutor(POLLERS + 2) as pool:
            others = [pool.submit(self.produce), pool.submit(self.cancel, seeds[-1])]
            others += [pool.submit(self.poll, seed) for seed in seeds[:POLLERS]]
            try:
                eventually(lambda: self.rest(hurry) or self.is_over(), "every job to end", 300 + 2 * self.count)
            finally:
                self.over.set()
            for other in others:
                other.result()
        self.sqs.delete_queue(QueueUrl=self.queue)
        eventually(lambda: self.rest(hurry) or not self.untidy(), "the sweeper to tidy up", 400)

    def rest(self, hurry):
        time.sleep(2)
        if hurry:
            self.hasten()

    def items(self):
        """The items of the soak's jobs, as the table has them."""
        mine, start = {str(user.id) for user in self.users}, {}
        client = aws("dynamodb")
        while True:
            page = client.scan(TableName=ENV["TABLE_NAME"], ConsistentRead=True, **start)
            for item in page["Items"]:
                if item["pk"]["S"].startswith("JOB#") and item["sk"]["S"] == "META" and item["created_by"]["N"] in mine:
                    yield item
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def untidy(self):
        return [item for item in self.items() if "due_at" in item]

    def faults(self):
        """Every violation of an invariant, in words."""
        items = {int(item["pk"]["S"].removeprefix("JOB#")): item for item in self.items()}
        if len(items) != self.count:
            yield f"{self.count} submissions made {len(items)} jobs"
        self.seen["duplicates suppressed"] = 0
        owners = {user.id: user for user in self.users}
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda pair: self.faults_of(owners, *pair), items.items()):
                yield from found
            for found in pool.map(lambda pair: self.faults_of_release(*pair), self.releases):
                yield from found

    def faults_of(self, owners, id, item):
        user, faults = owners[int(item["created_by"]["N"])], []
        job = user.get(f"/api/jobs/{id}").body
        log = user.get(f"/api/jobs/{id}/logs?limit=1000").body["logs"]

        def must(holds, fault):
            if not holds:
                faults.append(f"job {id} ({job['job_type']}, {job['status']}): {fault}")

        outcomes = [run["outcome"] for run in job["attempts"]]
        with self.lock:
            self.seen[job["status"]] += 1
            self.seen["duplicates suppressed"] += job["duplicate_deliveries"]
            self.seen["crashed attempts"] += outcomes.count("crashed")
        must(job["status"] in ("completed", "cancelled"), f"it failed: {job['error']}")
        must((job["progress"] == 100) == (job["status"] == "completed"), f"its progress is {job['progress']}")
        must((job["result"] is not None) == (job["status"] == "completed"), "its result does not fit")
        must(outcomes.count("completed") == (job["status"] == "completed"), f"its attempts ended as {outcomes}")
        must(job["attempt"] <= 1 + outcomes.count("crashed"), f"attempt {job['attempt']} after {outcomes}")
        must([line["seq"] for line in log] == list(range(1, len(log) + 1)), "its log has a gap or a repeat")
        ends = [line["message"] for line in log if line["message"] == "Job completed" or "Cancelled by" in line["message"]]
        must(len(ends) == 1 and log[-1]["message"] == ends[0], f"its log ends with {ends}")
        must(id not in self.cancelled or job["status"] == "cancelled", "its owner was told that it is cancelled")
        must(id not in self.completed_first or job["status"] == "completed", "its owner was told that it had ended")
        must("lease_expires_at" not in item, "it has a lease")
        return faults

    def faults_of_release(self, user, release):
        """The bucket has the current package and those that are kept, and nothing else; a job can have the release."""
        shown = user.get(f"/api/releases/{release}").body
        kept = [shown["package"], *shown["replaced_packages"]] if shown["package"] else []
        runs = {tuple(key.rsplit("/jobs/", 1)[1].split("/")[:2]) for key in below(release)}
        if sorted(int(job) for job, _ in runs) != sorted(package["job_id"] for package in kept):
            yield f"release {release} has {sorted(runs)}, and knows {[package['job_id'] for package in kept]}"
        next_job = user.run(job_type="packaging", release_id=release, config_json={"release_name": NAME})
        if (next_job["status"], len(next_job["attempts"])) != ("completed", 1):
            yield f"release {release}: the next job ended as {next_job['status']}, {next_job['attempts']}"


def soak(count, seed, hurry=False):
    """Soaks with `count` jobs; gives the counts of what happened and the violations."""
    soak = Soak(count, seed)
    soak.run(hurry)
    return soak.seen, list(soak.faults())


def main(count=2_000):
    begun, seed = time.monotonic(), random.randrange(10**9)
    print(f"Soaking with {count} jobs of {USERS} users, seed {seed}", flush=True)
    seen, faults = soak(count, seed)
    for name, number in seen.items():
        print(f"  {name}: {number}")
    for fault in itertools.islice(faults, 50):
        print(f"  violated: {fault}")
    print(f"{len(faults)} violations after {time.monotonic() - begun:.0f} s")
    if faults:
        sys.exit("error: the soak has found violations")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
