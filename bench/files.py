"""How fast jobs go through files, beside zip and Python's zipfile, and how much memory they take."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import s3
from runtime import event, running
from support import OWNER

MIB = 1 << 20
LIMIT = 128  # MiB of resident memory, whatever the size of the file
REPACKED = 100  # MiB; beyond, a repack takes what a packaging does, and the benchmark is long enough
ZIP = {"store": "-0", "normal": "-6"}
PYTHON = """
import sys, zipfile
kind = zipfile.ZIP_STORED if sys.argv[1] == "store" else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w", kind, allowZip64=True) as made:
    made.write(sys.argv[3], "book.bin")
"""


def sample(path, mib):
    """A file that compresses to about two thirds, like pages of scans with text between them."""
    source = random.Random(mib)
    noise = [source.randbytes(MIB * 2 // 3) for _ in range(8)]
    words = [b"%x and so on, " % source.randrange(1 << 16) for _ in range(512)]
    text = b"".join(source.choices(words, k=MIB // 40))[: MIB // 3 + 1]
    with path.open("wb") as file:
        for at in range(mib):
            file.write((noise[at % 8] + text).ljust(MIB, b".")[:MIB])


class Processor:
    """The processor's binary, one job after another, on the table of the local system."""

    def __init__(self, folder, invoke):
        self.folder, self.invoke = folder, invoke

    def run(self, release, job_type, **config):
        """Runs a job; gives its seconds and its result."""
        body = {"job_type": job_type, "release_id": release, "config_json": config, "created_by": OWNER.id}
        request = event("process-jobs")
        request["Records"][0]["body"] = json.dumps(body)
        request["Records"][0]["messageId"] = f"bench-{time.time_ns()}"
        begun = time.monotonic()
        assert self.invoke(request)["batchItemFailures"] == []
        seconds = time.monotonic() - begun
        [job] = OWNER.get(f"/api/releases/{release}/jobs?limit=1").body["jobs"]
        assert job["status"] == "completed", job
        return seconds, OWNER.get(f"/api/jobs/{job['id']}").body["result"]

    def peak(self):
        """The most memory that was ever resident, in MiB."""
        status = Path(f"/proc/{self.invoke.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def fresh(binary, folder, address):
    return running(
        "process-jobs", binary=binary, seconds=1_800, limit=1_800, AWS_ENDPOINT_URL_S3=address, BUCKET_NAME="bench",
        TMPDIR=str(folder.root), RUST_LOG="error",
    )


def timed(command):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def others(source, folder, level):
    """Seconds that zip and Python's zipfile take for the same file."""
    made = folder / "other.zip"
    zip = timed(["zip", "-q", ZIP[level], str(made), str(source)])
    made.unlink()
    python = timed([sys.executable, "-c", PYTHON, level, str(made), str(source)])
    made.unlink()
    return zip, python


def measure(report, binary, mib, folder, address, scratch):
    release = OWNER.release()
    source = folder.path(f"releases/{release}/source/book.bin")
    sample(source, mib)

    def row(name, seconds, processor):
        report.add(f"{name} {mib} MiB", mib / seconds, "MiB/s")
        report.add(f"{name} {mib} MiB, resident memory", processor.peak(), "MiB", limit=LIMIT)

    with fresh(binary, folder, address) as invoke:
        processor = Processor(folder, invoke)
        seconds, result = processor.run(release, "analysis")
        assert result["mediainfo"]["size"] == mib * MIB
        row("analysis", seconds, processor)
    for level in ("store", "normal"):
        with fresh(binary, folder, address) as invoke:
            processor = Processor(folder, invoke)
            seconds, result = processor.run(
                release, "packaging", release_name="Bench.Mark-GRP", compression=level, volume_size=700 * MIB
            )
            row(f"packaging ({level})", seconds, processor)
        zip, python = others(source, scratch, level)
        report.add(f"packaging ({level}) {mib} MiB, zip's seconds to ours", zip / seconds, "times", goal=1)
        report.add(f"packaging ({level}) {mib} MiB, Python's seconds to ours", python / seconds, "times")
    if mib <= REPACKED:
        with fresh(binary, folder, address) as invoke:
            processor = Processor(folder, invoke)
            seconds, _ = processor.run(release, "repack", compression="normal")
            row("repack (normal)", seconds, processor)
        check(folder, mib)
    for path in folder.root.iterdir():
        path.unlink()


def check(folder, mib):
    """The archive that repack has made is one that others read: zipfile's own test of it."""
    archives = [key for key in folder.keys("") if key.endswith("Bench.Mark-GRP.zip")]
    with zipfile.ZipFile(folder.path(archives[-1])) as opened:
        assert [entry.file_size for entry in opened.infolist()] == [mib * MIB]
        assert opened.testzip() is None


def files(report, binary, sizes):
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder, \
            tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch, \
            s3.serving(folder) as (bucket, address):
        for mib in sizes:
            measure(report, binary, mib, bucket, address, Path(scratch))
