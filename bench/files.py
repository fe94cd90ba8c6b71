"""The speed and memory of jobs on files, compared with zip and Python's zipfile."""

import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from api import User
from report import Report
from runtime import PROCESSED, Function, delivery, run_function
from s3 import Folder, serve
from stack import Stack

MIB = 1 << 20
MEMORY_LIMIT = 128  # MiB of resident memory, for files of any size
# MiB. A larger repack takes as long as a packaging, and the benchmark is long enough.
LARGEST_REPACK = 100
VOLUME_SIZE = 700 * MIB
JOB_TIMEOUT = 1_800  # seconds
RELEASE_NAME = "Bench.Mark-GRP"
ZIP_OPTIONS = {"store": "-0", "normal": "-6"}
BOOK_MIB = 100
BOOK_RUNS = 3
MAX_BOOK_RATIO = 1.3
BOOK_CHAPTERS = 300
BOOK_CHAPTER_WORDS = 2_000
XHTML = "http://www.w3.org/1999/xhtml"
EPUB_TYPES = "http://www.idpf.org/2007/ops"
BOOK_CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
BOOK_PACKAGE = """<package version="3.0" xmlns="http://www.idpf.org/2007/opf"><metadata>
<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">A Large Book</dc:title></metadata><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}
</manifest><spine>{spine}</spine></package>"""
# The start of a JPEG of 600 by 800 pixels: its header, and a frame.
JPEG_HEADER = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffc0001108032002580301220002110103110100"
)
PYTHON_ZIP = """
import sys, zipfile
kind = zipfile.ZIP_STORED if sys.argv[1] == "store" else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w", kind, allowZip64=True) as made:
    made.write(sys.argv[3], "book.bin")
"""


def write_sample(path: Path, mib: int) -> None:
    """Writes a file that compresses to about two thirds, like scanned pages with text between."""
    source = random.Random(mib)
    noise = [source.randbytes(MIB * 2 // 3) for _ in range(8)]
    words = [b"%x and so on, " % source.randrange(1 << 16) for _ in range(512)]
    text = b"".join(source.choices(words, k=MIB // 40))[: MIB // 3 + 1]
    with path.open("wb") as file:
        for at in range(mib):
            file.write((noise[at % 8] + text).ljust(MIB, b".")[:MIB])


def write_book(path: Path, mib: int, *, is_epub: bool) -> None:
    """Writes an EPUB, mostly of images, or a plain archive of its files."""
    chance = random.Random(mib)
    words = [f"{chance.randrange(1 << 24):x}" for _ in range(4_096)]
    items, chapters = "", [f"text/{number}.xhtml" for number in range(BOOK_CHAPTERS)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        if is_epub:
            book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
            book.writestr("META-INF/container.xml", BOOK_CONTAINER)
        for number, chapter in enumerate(chapters):
            text = " ".join(chance.choices(words, k=BOOK_CHAPTER_WORDS))
            image = f"images/{number}.jpg"
            body = f"<p>{text}</p><img src='../{image}' alt=''/>"
            book.writestr(f"OPS/{chapter}", f"<html xmlns='{XHTML}'><body>{body}</body></html>")
            noise = chance.randbytes(mib * MIB // BOOK_CHAPTERS)
            book.writestr(f"OPS/{image}", JPEG_HEADER + noise, zipfile.ZIP_STORED)
            items += f"<item id='c{number}' href='{chapter}' media-type='application/xhtml+xml'/>"
            items += f"<item id='i{number}' href='{image}' media-type='image/jpeg'/>"
        links = "".join(f"<li><a href='{chapter}'>A chapter</a></li>" for chapter in chapters)
        nav = f"<nav epub:type='toc' xmlns:epub='{EPUB_TYPES}'><ol>{links}</ol></nav>"
        book.writestr("OPS/nav.xhtml", f"<html xmlns='{XHTML}'><body>{nav}</body></html>")
        spine = "".join(f"<itemref idref='c{number}'/>" for number in range(BOOK_CHAPTERS))
        book.writestr("OPS/book.opf", BOOK_PACKAGE.format(items=items, spine=spine))


def seconds_of(command: Sequence[str]) -> float:
    """Runs a command and returns its duration in seconds."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def zip_seconds(source: Path, folder: Path, compression: str) -> tuple[float, float]:
    """Returns the seconds that zip and Python's zipfile take for a file."""
    made = folder / "other.zip"
    ours = seconds_of(["zip", "-q", ZIP_OPTIONS[compression], str(made), str(source)])
    made.unlink()
    python = seconds_of([sys.executable, "-c", PYTHON_ZIP, compression, str(made), str(source)])
    made.unlink()
    return ours, python


class FileBench:
    """The processor's program on the table of the local system and files in a folder."""

    def __init__(
        self, report: Report, binary: Path, folder: Folder, address: str, scratch: Path
    ) -> None:
        self.report = report
        self.binary = binary
        self.folder = folder
        self.address = address
        self.scratch = scratch
        self.stack = Stack.load()
        self.user: User = self.stack.new_user()

    def start_processor(self) -> AbstractContextManager[Function]:
        """Starts a new processor for each job, so that its memory can be measured."""
        return run_function(
            self.stack,
            "process-jobs",
            binary=self.binary,
            answer_timeout=JOB_TIMEOUT,
            time_limit=JOB_TIMEOUT,
            AWS_ENDPOINT_URL_S3=self.address,
            BUCKET_NAME="bench",
            TMPDIR=str(self.folder.root),
            RUST_LOG="error",
        )

    def measure_job(
        self, name: str, mib: int, release: int, job_type: str, **config: Any
    ) -> tuple[float, Any]:
        """Runs a job and reports its speed and memory; returns its seconds and its result."""
        seconds, memory, result = self.run_job(release, job_type, **config)
        self.report.add(f"{name} {mib} MiB", mib / seconds, "MiB/s")
        row = f"{name} {mib} MiB, resident memory"
        self.report.add(row, memory, "MiB", limit=MEMORY_LIMIT)
        return seconds, result

    def run_job(self, release: int, job_type: str, **config: Any) -> tuple[float, float, Any]:
        """Runs a job in a new processor; returns its seconds, its memory in MiB and its result."""
        message = {
            "job_type": job_type,
            "release_id": release,
            "config_json": config,
            "created_by": self.user.id,
        }
        event = delivery(message, f"bench-{time.time_ns()}")
        with self.start_processor() as processor:
            started = time.monotonic()
            assert processor.invoke(event) == PROCESSED
            seconds = time.monotonic() - started
            memory = peak_memory(processor.pid)
        [job] = self.user.get(f"/api/releases/{release}/jobs?limit=1").body["jobs"]
        assert job["status"] == "completed", job
        return seconds, memory, self.user.job(job["id"])["result"]

    def measure(self, mib: int) -> None:
        """Measures all kinds of jobs on a file of this size."""
        release = self.user.create_release()
        source = self.folder.path(f"releases/{release}/source/book.bin")
        write_sample(source, mib)
        _, result = self.measure_job("analysis", mib, release, "analysis")
        assert result["mediainfo"]["size"] == mib * MIB
        for compression in ZIP_OPTIONS:
            self.measure_packaging(release, source, mib, compression)
        if mib <= LARGEST_REPACK:
            self.measure_job("repack (normal)", mib, release, "repack", compression="normal")
            self.check_archive(mib)
        for path in self.folder.root.iterdir():
            path.unlink()

    def measure_book(self) -> None:
        """Compares the analysis of an EPUB with that of an archive of the same files.

        The latter reads only the directory and the checksums.
        """
        archive, book = self.book_seconds(is_epub=False), self.book_seconds(is_epub=True)
        row = f"analysis of an EPUB of {BOOK_MIB} MiB, seconds to those of an archive"
        self.report.add(row, book / archive, "times", limit=MAX_BOOK_RATIO)

    def book_seconds(self, *, is_epub: bool) -> float:
        """Returns the shortest time of some analyses of an EPUB, or of an archive of its files."""
        release = self.user.create_release()
        path = self.folder.path(f"releases/{release}/source/book.epub")
        write_book(path, BOOK_MIB, is_epub=is_epub)
        shortest = float("inf")
        for _ in range(BOOK_RUNS):
            seconds, memory, result = self.run_job(release, "analysis")
            words = BOOK_CHAPTERS * BOOK_CHAPTER_WORDS if is_epub else None
            assert result["contents"]["words"] == words
            assert memory <= MEMORY_LIMIT
            shortest = min(shortest, seconds)
        path.unlink()
        return shortest

    def measure_packaging(self, release: int, source: Path, mib: int, compression: str) -> None:
        """Measures a packaging, and zip and Python's zipfile on the same file."""
        name = f"packaging ({compression})"
        seconds, _ = self.measure_job(
            name,
            mib,
            release,
            "packaging",
            release_name=RELEASE_NAME,
            compression=compression,
            volume_size=VOLUME_SIZE,
        )
        zip_time, python_time = zip_seconds(source, self.scratch, compression)
        row = f"{name} {mib} MiB"
        self.report.add(f"{row}, zip's seconds to ours", zip_time / seconds, "times", goal=1)
        self.report.add(f"{row}, Python's seconds to ours", python_time / seconds, "times")

    def check_archive(self, mib: int) -> None:
        """Checks that Python's zipfile accepts the archive of a repack."""
        archives = [key for key in self.folder.keys("") if key.endswith(f"{RELEASE_NAME}.zip")]
        with zipfile.ZipFile(self.folder.path(archives[-1])) as opened:
            assert [entry.file_size for entry in opened.infolist()] == [mib * MIB]
            assert opened.testzip() is None


def peak_memory(pid: int) -> float:
    """Returns the peak resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_files(report: Report, binary: Path, sizes: Sequence[int]) -> None:
    """Measures files of these sizes in MiB. BENCH_DIR is the folder for the files."""
    parent = os.environ.get("BENCH_DIR")
    with (
        tempfile.TemporaryDirectory(dir=parent) as objects,
        tempfile.TemporaryDirectory(dir=parent) as scratch,
        serve(Path(objects)) as (folder, address),
    ):
        bench = FileBench(report, binary, folder, address, Path(scratch))
        for mib in sizes:
            bench.measure(mib)
        bench.measure_book()
