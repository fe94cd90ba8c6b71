"""Analysis of an EPUB, and packaging."""

import hashlib
import io
import re
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from api import User, assert_problem
from packages import (
    SOURCES,
    assert_sfv_is_correct,
    join_volumes,
    make_package,
    unzip,
)
from sample_epub import TITLE, sample_epub
from samples import RELEASE_NAME
from stack import Stack
from waiting import wait_until


def test_epub_is_packaged_with_its_own_metadata(owner: User) -> None:
    epub = sample_epub()
    release = owner.create_release({"lighthouse.epub": epub}, metadata={})
    name = "Ada.Example-The.Lighthouse.Keepers.Ledger-2026-GRP"
    package = make_package(owner, release)
    assert set(package) == {f"{name}.zip", f"{name}.nfo", f"{name}.sfv", "FILE_ID.DIZ"}
    assert unzip(package[f"{name}.zip"]) == {"lighthouse.epub": epub}
    assert_sfv_is_correct(package, name)
    nfo = package[f"{name}.nfo"].decode("utf-8")
    for fact in (name, TITLE, "Ada Example", "Sample House", "9783161484100"):
        assert fact in nfo
    assert re.search(r"^  Words \.+: [1-9]\d*\r$", nfo, re.MULTILINE), nfo
    assert "- Chapters -" in nfo
    assert max(map(len, nfo.splitlines())) <= 80
    assert TITLE.encode("ascii") in package["FILE_ID.DIZ"]


def test_epub_is_analyzed(owner: User) -> None:
    epub = sample_epub()
    release = owner.create_release({"no-extension": epub})
    job = owner.run_job(job_type="analysis", release_id=release)
    found = owner.get(f"/api/wizard/jobs/{job['id']}/analysis").body
    metadata = {
        "title": TITLE,
        "authors": ["Ada Example"],
        "publisher": "Sample House",
        "isbn": "9783161484100",
        "year": 2026,
        "language": "en",
    }
    assert {name: found["metadata"][name] for name in metadata} == metadata
    mediainfo = {
        "format": "epub",
        "version": "3.0",
        "size": len(epub),
        "chapters": 2,
        "crc32": f"{zlib.crc32(epub):08X}",
        "sha256": hashlib.sha256(epub).hexdigest(),
    }
    assert {name: found["mediainfo"][name] for name in mediainfo} == mediainfo
    with zipfile.ZipFile(io.BytesIO(epub)) as book:
        assert [file["path"] for file in found["structure"]["files"]] == book.namelist()


@pytest.mark.parametrize("path", ["a.txt", "source/a.txt"])
def test_source_file_is_named_with_or_without_its_folder(owner: User, path: str) -> None:
    release = owner.create_release({"a.txt": b"abc", "b.txt": b"abc"})
    job = owner.run_job(job_type="analysis", release_id=release, config_json={"path": path})
    assert job["status"] == "completed", job["error"]


def test_every_compression_keeps_every_file(owner: User) -> None:
    sizes = {}
    for compression in ("store", "normal", "high"):
        release = owner.create_release(SOURCES)
        package = make_package(owner, release, release_name=RELEASE_NAME, compression=compression)
        archive = package[f"{RELEASE_NAME}.zip"]
        assert unzip(archive) == SOURCES, compression
        assert_sfv_is_correct(package)
        sizes[compression] = len(archive)
    assert sizes["store"] > sum(map(len, SOURCES.values()))
    assert sizes["normal"] < sizes["store"]
    assert sizes["high"] <= sizes["normal"]


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
@pytest.mark.parametrize(
    "config", [{"compression": "store"}, {"compression": "high"}, {"volume_size": 65_536}], ids=str
)
def test_unzip_accepts_the_archive(owner: User, tmp_path: Path, config: dict[str, Any]) -> None:
    release = owner.create_release(SOURCES)
    package = make_package(owner, release, release_name=RELEASE_NAME, **config)
    path = tmp_path / "archive.zip"
    path.write_bytes(join_volumes(package))
    done = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors detected" in done.stdout


def test_volumes_have_the_requested_size_and_join_to_the_archive(owner: User) -> None:
    release = owner.create_release(SOURCES)
    package = make_package(owner, release, release_name=RELEASE_NAME, volume_size=65_536)
    volumes = sorted(path for path in package if ".zip" in path)
    numbers = range(1, len(volumes) + 1)
    assert volumes == [f"{RELEASE_NAME}.zip.{number:03}" for number in numbers]
    assert len(volumes) > 3
    assert {len(package[path]) for path in volumes[:-1]} == {65_536}
    assert len(package[volumes[-1]]) <= 65_536
    assert unzip(join_volumes(package)) == SOURCES
    assert_sfv_is_correct(package)


def test_archive_that_fits_into_one_volume_has_no_number(stack: Stack, owner: User) -> None:
    release = owner.create_release(SOURCES)
    package = make_package(owner, release, release_name=RELEASE_NAME, volume_size=10**6)
    assert set(package) >= {f"{RELEASE_NAME}.zip", f"{RELEASE_NAME}.nfo"}
    assert unzip(package[f"{RELEASE_NAME}.zip"]) == SOURCES
    assert_sfv_is_correct(package)
    assert not [key for key in stack.output_keys(release) if key.endswith(".001")]


def test_file_fills_what_the_release_does_not_say(owner: User) -> None:
    metadata = {"title": "Another Title", "publisher": "", "authors": []}
    release = owner.create_release({"lighthouse.epub": sample_epub()}, metadata=metadata)
    package = make_package(owner, release, release_name=RELEASE_NAME)
    nfo = package[f"{RELEASE_NAME}.nfo"].decode("utf-8")
    for fact in ("Another Title", "Ada Example", "Sample House", "9783161484100", "2026"):
        assert fact in nfo
    assert TITLE not in nfo


def test_group_of_the_nfo_is_the_one_in_the_configured_name(owner: User) -> None:
    release = owner.create_release(SOURCES, group="OTHER")
    package = make_package(
        owner, release, release_name="Jane.Doe-A.Book-GRP", template="{{ group }}"
    )
    assert package["Jane.Doe-A.Book-GRP.nfo"] == b"GRP\r\n"


def test_nfo_diz_and_sfv_can_be_left_out(owner: User) -> None:
    package = make_package(
        owner,
        owner.create_release(SOURCES),
        release_name=RELEASE_NAME,
        generate_nfo=False,
        generate_diz=False,
        generate_sfv=False,
    )
    assert set(package) == {f"{RELEASE_NAME}.zip"}


def test_nfo_follows_its_template(owner: User) -> None:
    template = "{{ title }} by {{ group }}{% if publisher %}, {{ publisher }}{% endif %}\n"
    release = owner.create_release(SOURCES)
    package = make_package(owner, release, release_name=RELEASE_NAME, template=template)
    assert package[f"{RELEASE_NAME}.nfo"] == b"A Tested Book by GRP\r\n"


@pytest.mark.parametrize(
    "template",
    [
        "{{ secret }}",
        "{% if %}",
        "{% include '/etc/passwd' %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{{ " + "-" * 7_000 + "1 }}",
    ],
    ids=lambda template: template[:30],
)
def test_broken_template_is_refused(owner: User, template: str) -> None:
    config = {"template": template}
    body = {"job_type": "packaging", "release_id": owner.create_release(), "config_json": config}
    draft = owner.create_draft(job_type="packaging")
    for answer in (
        owner.post("/api/jobs", body),
        owner.post("/api/jobs", body | {"draft": True}),
        owner.patch(f"/api/jobs/{draft}", {"config_json": config}),
    ):
        assert_problem(answer, 400, "invalid-request", "config_json.template")


LONG_LOOPS = "{% for a in release_name %}" * 9 + "x" + "{% endfor %}" * 9


@pytest.mark.parametrize("template", ["{{ title.__class__ }}", LONG_LOOPS], ids=["class", "loops"])
def test_template_that_cannot_be_rendered_fails(owner: User, template: str) -> None:
    release, config = owner.create_release(SOURCES), {"template": template}
    job = owner.run_job(job_type="packaging", release_id=release, config_json=config)
    assert (job["status"], job["error"]["code"]) == ("failed", "template_invalid")


def test_failed_job_leaves_the_package_unchanged(stack: Stack, owner: User) -> None:
    release = owner.create_release(SOURCES)
    before = make_package(owner, release, release_name=RELEASE_NAME)
    keys = stack.output_keys(release)
    config = {"template": "{{ title.__class__ }}"}
    job = owner.run_job(job_type="packaging", release_id=release, config_json=config)
    assert job["status"] == "failed"
    assert owner.files(release, "package/") == before
    assert owner.release(release)["package"]["version"] == 1
    wait_until(lambda: stack.output_keys(release) == keys, "the unfinished output to go")


def test_admin_packages_the_release_of_another_user(owner: User, admin: User) -> None:
    release, config = owner.create_release(SOURCES), {"release_name": RELEASE_NAME}
    job = admin.run_job(job_type="packaging", release_id=release, config_json=config)
    assert job["status"] == "completed"
    assert unzip(join_volumes(owner.files(release, "package/"))) == SOURCES
