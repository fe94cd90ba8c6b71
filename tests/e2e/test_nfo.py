"""nfofix and readnfo, on NFOs as groups write them: CP437, drawings, French and English."""

import zlib
from typing import Any

import pytest

from api import User
from samples import RELEASE_NAME
from stack import Stack

BOX = "╔" + "═" * 76 + "╗\n║" + "L'ÉTÉ ■ 2024".center(76) + "║\n╚" + "═" * 76 + "╝\n"
FRENCH = (
    BOX
    + """
  ░▒▓█ Titre ........: L'été à la mer █▓▒░
  Auteur .......: Élise Noël
  Éditeur ......: Maison Dupré
  Année ........: 2024
  Langue .......: Français
  ISBN .........: 978-3-16-148410-0
  Groupe .......: GRP
"""
)
FRENCH_FACTS = {
    "title": "L'été à la mer",
    "authors": ["Élise Noël"],
    "publisher": "Maison Dupré",
    "year": 2024,
    "isbn": "9783161484100",
    "group": "GRP",
}
LISTED = """
Title ........: A Listed Book
Author .......: Ada Example

Files
-----
book.epub      1200
cover.jpg       300
missing.pdf     999
"""
PLAIN = "Titre : L'été à la mer\r\nAuteur : Élise Noël\r\n"


def run_on(user: User, release: int, job_type: str, **config: Any) -> Any:
    """Runs a job that completes; returns its result."""
    job = user.run_job(job_type=job_type, release_id=release, config_json=config)
    assert job["status"] == "completed", job["error"]
    return job["result"]


def fix(user: User, data: bytes, **fields: Any) -> Any:
    """Runs nfofix on a release with this NFO; returns its result."""
    return run_on(user, user.create_release({"release.nfo": data}, **fields), "nfofix")


def kinds(result: Any) -> set[str]:
    """Returns the kinds of the changes that nfofix has made."""
    return {change["what"] for change in result["changes"]}


def test_cp437_nfo_becomes_utf_8_with_intact_drawings(owner: User) -> None:
    result = fix(owner, FRENCH.encode("cp437"))
    assert (result["file"], result["encoding"]) == ("release.nfo", "cp437")
    assert result["changed"]
    assert kinds(result) == {"encoding", "line_ends"}
    assert result["text"] == FRENCH.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode("latin-1"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-8-sig"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    ],
    ids=["latin-1", "utf-16", "utf-8 with a mark", "utf-16, big end first"],
)
def test_other_encodings_become_the_same_text(owner: User, data: bytes) -> None:
    result = fix(owner, data)
    assert (result["text"], kinds(result)) == (PLAIN, {"encoding"})


def test_correct_nfo_is_left_unchanged(owner: User) -> None:
    result = fix(owner, FRENCH.replace("\n", "\r\n").encode())
    assert (result["changed"], result["changes"]) == (False, [])


def test_repaired_nfo_needs_no_repair(owner: User) -> None:
    broken = "\x1b[31mA\tB\x1b[0m\x07\n" + "word " * 40 + "\n" + FRENCH + "\n\n\n"
    first = fix(owner, broken.encode("cp437"))
    assert kinds(first) == {
        "encoding",
        "line_ends",
        "escape_sequences",
        "control_characters",
        "tabs",
        "long_line",
        "final_line_end",
    }
    assert max(map(len, first["text"].split("\r\n"))) <= 80
    assert fix(owner, first["text"].encode())["changes"] == []


def test_placeholders_are_filled_and_unknown_ones_reported(owner: User) -> None:
    data = b"Title: {{ title }}\r\nAuthor: ${author}\r\nPublisher: %PUBLISHER%\r\nYear: [YEAR]\r\n"
    metadata = {"title": "A Title", "authors": ["Ada Example"], "year": 2024}
    result = fix(owner, data, metadata=metadata)
    assert result["text"] == (
        "Title: A Title\r\nAuthor: Ada Example\r\nPublisher: %PUBLISHER%\r\nYear: 2024\r\n"
    )
    notices = [(notice["line"], notice["what"]) for notice in result["notices"]]
    assert notices == [(3, "placeholder_unfilled")]


def test_nfofix_never_changes_a_source_file(owner: User) -> None:
    data = FRENCH.encode("cp437")
    release = owner.create_release({"release.nfo": data})
    assert run_on(owner, release, "nfofix")["changed"]
    assert owner.files(release, "source/") == {"release.nfo": data}
    assert owner.release(release)["package"] is None


def test_nfofix_makes_a_new_package_with_a_repaired_nfo_and_a_correct_sfv(owner: User) -> None:
    nfo, sfv = f"{RELEASE_NAME}.nfo", f"{RELEASE_NAME}.sfv"
    release = owner.create_release({"book.txt": b"text\r\n"})
    template = "Title:\t%TITLE%"
    run_on(owner, release, "packaging", release_name=RELEASE_NAME, template=template)
    before = owner.files(release, "package/")
    assert b"%TITLE%" in before[nfo]
    dry = run_on(owner, release, "nfofix", dry_run=True)
    assert owner.files(release, "package/") == before
    wet = run_on(owner, release, "nfofix")
    assert (wet["text"], kinds(wet)) == (dry["text"], {"tabs", "placeholder"})
    after = owner.files(release, "package/")
    assert after[nfo].decode() == wet["text"]
    assert wet["text"] == "Title:  A Tested Book\r\n"
    assert owner.release(release)["package"]["version"] == 2
    unchanged = set(before) - {nfo, sfv}
    assert {path: after[path] for path in unchanged} == {path: before[path] for path in unchanged}
    sums = {path: f"{zlib.crc32(data):08X}" for path, data in after.items() if path != sfv}
    assert dict(line.rsplit(" ", 1) for line in after[sfv].decode().splitlines()) == sums


@pytest.mark.parametrize(
    ("job_type", "files", "code"),
    [
        ("nfofix", {"a.txt": b"text"}, "nfo_missing"),
        ("nfofix", {"a.nfo": b"a\r\n", "b.nfo": b"b\r\n"}, "nfo_ambiguous"),
        ("nfofix", {"a.nfo": b"a" * (256 * 1024 + 1)}, "nfo_too_large"),
        ("readnfo", {"a.txt": b"text"}, "nfo_missing"),
        ("readnfo", {"a.nfo": b"a\r\n", "b.nfo": b"b\r\n"}, "nfo_ambiguous"),
    ],
    ids=lambda parameter: parameter if isinstance(parameter, str) else "",
)
def test_job_without_exactly_one_nfo_fails(
    owner: User, job_type: str, files: dict[str, bytes], code: str
) -> None:
    job = owner.run_job(job_type=job_type, release_id=owner.create_release(files))
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    assert job["error"]["message"]


def test_french_cp437_nfo_is_read(owner: User) -> None:
    release = owner.create_release({"release.nfo": FRENCH.encode("cp437")})
    result = run_on(owner, release, "readnfo")
    assert (result["file"], result["encoding"]) == ("release.nfo", "cp437")
    assert not result["applied"]
    assert {name: result["metadata"].get(name) for name in FRENCH_FACTS} == FRENCH_FACTS
    assert (result["missing_files"], result["unexpected_files"]) == ([], [])


def test_listed_files_are_compared_with_those_present(owner: User) -> None:
    present = {"book.epub": b"x", "art/Cover.JPG": b"x", "extra.txt": b"x"}
    release = owner.create_release({"release.nfo": LISTED.encode()} | present)
    result = run_on(owner, release, "readnfo")
    assert result["missing_files"] == ["missing.pdf"]
    assert result["unexpected_files"] == ["extra.txt"]


def test_readnfo_writes_to_the_release_only_with_apply(owner: User) -> None:
    known = {"title": "Old", "series": "Kept"}
    release = owner.create_release({"release.nfo": LISTED.encode()}, metadata=known)
    assert not run_on(owner, release, "readnfo")["applied"]
    assert owner.release(release)["metadata"] == known
    assert run_on(owner, release, "readnfo", apply=True)["applied"]
    assert owner.release(release)["metadata"] == {
        "title": "A Listed Book",
        "series": "Kept",
        "authors": ["Ada Example"],
    }


def test_nfo_that_packaging_writes_is_read(owner: User) -> None:
    metadata = {
        "title": "L'été à la mer",
        "authors": ["Élise Noël", "Ada Example"],
        "publisher": "Maison Dupré",
        "year": 2024,
        "isbn": "9783161484100",
        "language": "fr",
    }
    release = owner.create_release({"book.txt": b"text\r\n"}, metadata=metadata)
    run_on(owner, release, "packaging", release_name=RELEASE_NAME)
    result = run_on(owner, release, "readnfo")
    assert {name: result["metadata"].get(name) for name in metadata} == metadata
    assert (result["missing_files"], result["unexpected_files"]) == ([], [])


def test_file_removed_from_a_package_is_reported_missing(stack: Stack, owner: User) -> None:
    release = owner.create_release({"book.txt": b"text\r\n"})
    run_on(owner, release, "packaging", release_name=RELEASE_NAME)
    [archive] = [key for key in stack.output_keys(release) if key.endswith(".zip")]
    stack.s3.delete_object(Bucket=stack.bucket, Key=archive)
    assert run_on(owner, release, "readnfo")["missing_files"] == [f"{RELEASE_NAME}.zip"]


def test_admin_reads_the_nfo_of_another_user(owner: User, admin: User) -> None:
    release = owner.create_release({"release.nfo": LISTED.encode()})
    job = admin.run_job(job_type="readnfo", release_id=release)
    assert job["result"]["metadata"]["title"] == "A Listed Book"
