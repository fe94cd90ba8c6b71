"""Packagings of texts, books and media: speed, size, cores, memory, and requests to S3."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from file_bench import (
    RUNS,
    SMALL_MEMORY,
    FileBench,
    Machine,
    Zipped,
    core_count,
    run_zip,
)
from file_rows import EPUB, KIND_MIB, TEXT, packaging_row, price_row, requests_row
from s3 import GET_CLASS, PUT_CLASS
from sample_files import MIB, write_book, write_comic, write_music, write_photo, write_text

# Size of an archive to that of `zip -6`. A compressed file is stored, and zip gains some 0.3 %.
MAX_TEXT_SIZE, MAX_COMPRESSED_SIZE = 1.01, 1.005
# Requests to S3 by class, for a packaging of 100 MiB.
REQUEST_LIMITS = {PUT_CLASS: 9, GET_CLASS: 4}
# Seconds over a link like S3's to those at full speed, if the compressor always has work.
MAX_LINK_RATIO = 1.25
COMPRESSION = "normal"


class Kind(NamedTuple):
    """A kind of content."""

    name: str
    file: str
    write: Callable[[Path, int], None]

    @property
    def row(self) -> str:
        """The beginning of the names of its rows."""
        return packaging_row(self.name)


A_TEXT = Kind(TEXT, "book.txt", write_text)
AN_EPUB = Kind(EPUB, "book.epub", partial(write_book, is_epub=True))
KINDS = (
    A_TEXT,
    AN_EPUB,
    Kind("a CBZ", "comic.cbz", write_comic),
    Kind("a JPEG", "photo.jpg", write_photo),
    Kind("an MP3", "recital.mp3", write_music),
)


def measure_kinds(bench: FileBench, distant: FileBench) -> None:
    """Measures all kinds of content, with a server at full speed and one like S3."""
    for kind in KINDS:
        source = bench.scratch / kind.file
        kind.write(source, KIND_MIB)
        seconds = measure_kind(bench, kind, source)
        if kind is A_TEXT:
            measure_cores(bench, kind, source, seconds)
            measure_memory(bench, kind, source)
        if kind in (A_TEXT, AN_EPUB):
            measure_distant(distant, kind, source, seconds)
        source.unlink()


def add_source(bench: FileBench, kind: Kind, source: Path) -> int:
    """Returns a new release with this file."""
    release = bench.user.create_release()
    bench.source(release, kind.file).hardlink_to(source)
    return release


def run(
    bench: FileBench, kind: Kind, source: Path, row: str, machine: Machine | None = None
) -> float:
    """Packages a file and reports its speed and memory; returns the seconds."""
    done = bench.package(add_source(bench, kind, source), COMPRESSION, machine, RUNS)
    bench.report.add(row, source.stat().st_size / MIB / done.seconds, "MiB/s")
    bench.add_memory(row, done, machine)
    bench.empty()
    return done.seconds


def measure_kind(bench: FileBench, kind: Kind, source: Path) -> float:
    """Measures the speed and size of a packaging beside zip's; returns the seconds."""
    release = add_source(bench, kind, source)
    zipped = run_zip(source, bench.scratch, COMPRESSION, RUNS)
    done = bench.package(release, COMPRESSION, runs=RUNS)
    bench.report.add(kind.row, source.stat().st_size / MIB / done.seconds, "MiB/s")
    bench.check_archive(source.stat().st_size)
    add_size(bench, kind, zipped)
    if kind is A_TEXT:
        bench.add_speed_up(kind.row, zipped, done)
    else:
        times = zipped.seconds / done.seconds
        bench.report.add(f"{kind.row}, zip's seconds to ours", times, "times")
    bench.add_memory(kind.row, done)
    bench.empty()
    return done.seconds


def add_size(bench: FileBench, kind: Kind, zipped: Zipped) -> None:
    """Reports the size of the newest archive to that of zip's."""
    ratio = bench.archive().stat().st_size / zipped.size
    limit = MAX_TEXT_SIZE if kind is A_TEXT else MAX_COMPRESSED_SIZE
    bench.report.add(f"{kind.row}, size to zip's", ratio, "times", limit=limit)


def measure_cores(bench: FileBench, kind: Kind, source: Path, seconds: float) -> None:
    """Compares a packaging on one core with that on all, which has taken these seconds."""
    cores = core_count()
    one = run(bench, kind, source, f"{kind.row} on one core", Machine(is_one_core=True))
    if cores == 1:
        bench.report.note("Only one core: no share of a further core")
        return
    share = (one / seconds - 1) / (cores - 1)
    bench.report.add(f"{kind.row}, speed of each further core", share, "of the first")


def measure_memory(bench: FileBench, kind: Kind, source: Path) -> None:
    """Measures a packaging in a function with little memory, which must use less of it."""
    run(bench, kind, source, f"{kind.row} in {SMALL_MEMORY} MB", Machine(SMALL_MEMORY))


def measure_distant(bench: FileBench, kind: Kind, source: Path, seconds: float) -> None:
    """Compares a packaging over a link like S3's with that at full speed; counts its requests."""
    row = f"{kind.row} over S3's link"
    ratio = run(bench, kind, source, row) / seconds
    goal = {"goal_at_most": MAX_LINK_RATIO} if kind is A_TEXT else {}
    bench.report.add(f"{row}, seconds to those at full speed", ratio, "times", **goal)
    for request_class, limit in REQUEST_LIMITS.items():
        count = bench.folder.requests[request_class]
        bench.report.add(requests_row(kind.name, request_class), count, "requests", limit=limit)
    run(bench, kind, source, price_row(kind.name), Machine(is_one_core=True))
