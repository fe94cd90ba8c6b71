"""The speed and memory of jobs on files, compared with zip and Python's zipfile."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from content_kinds import measure_kinds
from file_bench import (
    MEMORY_LIMITS,
    RUNS,
    ZIP_OPTIONS,
    Done,
    FileBench,
    Machine,
    python_zip_seconds,
    run_zip,
)
from file_rows import KIND_MIB
from report import Report
from s3 import S3_LINK, serve
from sample_files import BOOK_CHAPTER_WORDS, BOOK_CHAPTERS, MIB, write_book, write_sample

# MiB. A larger repack takes as long as a packaging, and the benchmark is long enough.
LARGEST_REPACK = 100
BOOK_MIB = 100
BOOK_RUNS = 8
MAX_BOOK_RATIO = 1.3


def measure_size(bench: FileBench, mib: int) -> None:
    """Measures all kinds of jobs on a mixed file of this size."""
    release = bench.user.create_release()
    source = bench.source(release, "book.bin")
    write_sample(source, mib)
    done = bench.run_job(release, "analysis")
    assert done.result["mediainfo"]["size"] == mib * MIB
    add_job(bench, "analysis", mib, done)
    for compression in ZIP_OPTIONS:
        measure_packaging(bench, release, source, compression)
    if mib <= LARGEST_REPACK:
        done = bench.run_job(release, "repack", compression="normal")
        add_job(bench, "repack (normal)", mib, done)
        bench.check_archive(mib * MIB)
    bench.empty()


def add_job(bench: FileBench, name: str, mib: int, done: Done) -> None:
    """Reports the speed and memory of a job."""
    bench.report.add(f"{name} {mib} MiB", mib / done.seconds, "MiB/s")
    bench.add_memory(f"{name} {mib} MiB", done)


def measure_packaging(bench: FileBench, release: int, source: Path, compression: str) -> None:
    """Measures a packaging, and zip and Python's zipfile on the same file."""
    mib = source.stat().st_size // MIB
    has_minimum = compression == "normal" and mib == KIND_MIB
    runs = RUNS if has_minimum else 1
    name = f"packaging ({compression})"
    done = bench.package(release, compression, runs=runs)
    add_job(bench, name, mib, done)
    zipped = run_zip(source, bench.scratch, compression, runs)
    row = f"{name} {mib} MiB"
    if has_minimum:
        bench.add_speed_up(row, zipped, done)
    else:
        times = zipped.seconds / done.seconds
        bench.report.add(f"{row}, zip's seconds to ours", times, "times", goal=1)
    times = python_zip_seconds(source, bench.scratch, compression) / done.seconds
    bench.report.add(f"{row}, Python's seconds to ours", times, "times")


def measure_book(bench: FileBench) -> None:
    """Compares the analysis of an EPUB with that of an archive of the same files.

    The latter reads only the directory and the checksums.
    """
    archive, book = book_seconds(bench, is_epub=False), book_seconds(bench, is_epub=True)
    row = f"analysis of an EPUB of {BOOK_MIB} MiB, seconds to those of an archive"
    bench.report.add(row, book / archive, "times", limit=MAX_BOOK_RATIO)


def book_seconds(bench: FileBench, *, is_epub: bool) -> float:
    """Returns the shortest time of some analyses of an EPUB, or of an archive of its files."""
    release = bench.user.create_release()
    path = bench.source(release, "book.epub")
    write_book(path, BOOK_MIB, is_epub=is_epub)
    shortest = float("inf")
    for _ in range(BOOK_RUNS):
        done = bench.run_job(release, "analysis")
        words = BOOK_CHAPTERS * BOOK_CHAPTER_WORDS if is_epub else None
        assert done.result["contents"]["words"] == words
        assert done.memory <= MEMORY_LIMITS[Machine().memory]
        shortest = min(shortest, done.seconds)
    bench.empty()
    return shortest


def measure_files(report: Report, binary: Path, sizes: Sequence[int]) -> None:
    """Measures files of these sizes in MiB, and kinds of content, if 100 MiB is among the sizes.

    BENCH_DIR is the folder for the files.
    """
    parent = os.environ.get("BENCH_DIR")
    with (
        tempfile.TemporaryDirectory(dir=parent) as objects,
        tempfile.TemporaryDirectory(dir=parent) as scratch,
        serve(Path(objects)) as (folder, address),
        serve(Path(objects), S3_LINK) as (distant_folder, distant_address),
    ):
        bench = FileBench(report, binary, folder, address, Path(scratch))
        for mib in sizes:
            measure_size(bench, mib)
        measure_book(bench)
        if KIND_MIB in sizes:
            distant = FileBench(report, binary, distant_folder, distant_address, Path(scratch))
            measure_kinds(bench, distant)
