"""Releases and jobs that several tests start from."""

import os

from api import FINAL, User
from stack import Stack
from waiting import wait_until

RELEASE_NAME = "Ada.Example-A.Tested.Book-2026-GRP"
TEXT_FILE = {"notes.txt": b"Hello\r\n"}
BOOK = b"Once upon a time\r\n" * 5_000
LARGE_FILES = 16  # of 16 MiB each: a package of them takes some seconds


def completed_job(user: User) -> int:
    """Runs a job that completes; returns its id."""
    release = user.create_release(TEXT_FILE)
    return int(user.run_job(job_type="analysis", release_id=release)["id"])


def failed_job(user: User) -> int:
    """Runs a job that fails because it has no NFO; returns its id."""
    return int(user.run_job(job_type="nfofix", release_id=user.create_release())["id"])


def large_release(stack: Stack, user: User) -> int:
    """Creates a release whose packaging takes a while."""
    release = user.create_release({"0.bin": os.urandom(16 << 20)})
    folder = f"releases/{release}/source"
    for number in range(1, LARGE_FILES):
        stack.s3.copy_object(
            Bucket=stack.bucket,
            Key=f"{folder}/{number}.bin",
            CopySource={"Bucket": stack.bucket, "Key": f"{folder}/0.bin"},
        )
    return release


def job_writing_its_archive(user: User, job_type: str, release: int) -> int:
    """Creates a job and waits until it writes its archive; returns its id."""
    config = {"compression": "high"}
    job = user.create_job(job_type=job_type, release_id=release, config_json=config)

    def is_writing() -> bool:
        status = user.status(job)
        assert status["status"] not in FINAL, status
        return bool(status["step"] == "archive" and status["progress"] > 0)

    wait_until(is_writing, "the job to write its archive")
    return job


def package_with_a_broken_nfo(stack: Stack, user: User) -> int:
    """Creates a release whose package has a broken NFO and no SFV; returns its id."""
    release = user.create_release({"book.txt": BOOK}, metadata={"title": "A Book"})
    # An SFV would list the checksum of the NFO that is replaced below.
    config = {"release_name": RELEASE_NAME, "compression": "store", "generate_sfv": False}
    job = user.run_job(job_type="packaging", release_id=release, config_json=config)
    assert job["status"] == "completed", job["error"]
    [nfo] = [key for key in stack.output_keys(release) if key.endswith(".nfo")]
    stack.s3.put_object(Bucket=stack.bucket, Key=nfo, Body=b"Title\tA Book\n")
    return release
