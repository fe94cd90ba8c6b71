"""Releases and jobs that several tests start from."""

from api import User
from stack import Stack

RELEASE_NAME = "Ada.Example-A.Tested.Book-2026-GRP"
TEXT_FILE = {"notes.txt": b"Hello\r\n"}
BOOK = b"Once upon a time\r\n" * 5_000


def completed_job(user: User) -> int:
    """Runs a job that completes; returns its id."""
    release = user.create_release(TEXT_FILE)
    return int(user.run_job(job_type="analysis", release_id=release)["id"])


def failed_job(user: User) -> int:
    """Runs a job that fails because it has no NFO; returns its id."""
    return int(user.run_job(job_type="nfofix", release_id=user.create_release())["id"])


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
