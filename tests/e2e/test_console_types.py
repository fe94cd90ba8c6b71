"""All job types in the console, from the upload of files to the download of what a job makes."""

import hashlib
import re

from playwright.sync_api import expect

from api import User
from console import Console
from console_releases import (
    add_files,
    download,
    fields,
    link,
    open_job,
    package_of,
    start_job,
)
from packages import assert_sfv_is_correct, join_volumes, unzip
from sample_epub import TITLE, sample_epub
from samples import BOOK, RELEASE_NAME

OTHER_NAME = "Another.Name-GRP"
SOURCES = {"book.txt": BOOK, "art é.txt": b"art\r\n" * 9, "empty.txt": b""}
NFO = """
  ░▒▓█ Titre ........: L'été à la mer █▓▒░
  Auteur .......: Élise Noël
  Année ........: 2024
"""


def begin(console: Console, user: User, files: dict[str, bytes]) -> int:
    """Makes a release in the wizard, uploads files, and opens the release; returns its id."""
    console.open(user, "/releases")
    console.role("button", "New release").click()
    fields(console, {"Group": "GRP"})
    add_files(console, files)
    for name in files:
        expect(link(console, f"source/{name}")).to_be_visible()
    draft = re.findall(r"/releases/new/(\d+)", console.page.url)[0]
    release = int(user.job(int(draft))["release_id"])
    console.role("link", "Releases").click()
    console.role("link", str(release), exact=True).click()
    return release


def pack(console: Console, **options: str | bool) -> int:
    """Builds a package named `RELEASE_NAME` on the screen of a release; returns the job."""
    named = {name.replace("_", " "): value for name, value in options.items()}
    fixed = {"Release name": RELEASE_NAME, "Compression": "None"}
    return start_job(console, "Packaging", fixed | named)


def test_analysis_from_upload_to_result(console: Console, owner: User) -> None:
    book = sample_epub()
    begin(console, owner, {"lighthouse.epub": book, "notes.txt": b"Once"})
    job = start_job(console, "Analysis", {"File": "source/lighthouse.epub"})
    result = open_job(console, job)
    for fact in (TITLE, "Ada Example", "9783161484100", hashlib.sha256(book).hexdigest()):
        expect(result).to_contain_text(fact)


def test_packaging_from_upload_to_download(console: Console, owner: User) -> None:
    begin(console, owner, SOURCES)
    # 64 KiB, so that the archive has several volumes.
    job = pack(console, **{"Volume size (MiB)": "0.0625"})
    package = package_of(console, open_job(console, job))
    assert f"{RELEASE_NAME}.zip.002" in package
    assert unzip(join_volumes(package)) == SOURCES
    assert_sfv_is_correct(package)
    assert RELEASE_NAME in package[f"{RELEASE_NAME}.nfo"].decode()


def test_repack_from_upload_to_download(console: Console, owner: User) -> None:
    begin(console, owner, SOURCES)
    pack(console)
    options: dict[str, str | bool] = {"Release name": OTHER_NAME, "DIZ": False}
    job = start_job(console, "Repack", options)
    package = package_of(console, open_job(console, job))
    assert set(package) == {f"{OTHER_NAME}.{kind}" for kind in ("zip", "nfo", "sfv")}
    assert unzip(package[f"{OTHER_NAME}.zip"]) == SOURCES
    assert_sfv_is_correct(package, OTHER_NAME)


def test_nfo_fix_from_upload_to_download(console: Console, owner: User) -> None:
    begin(console, owner, SOURCES)
    pack(console, Template="Title:\t{{ title }}\nGroup:\t%GROUP%\n")
    broken = download(console, link(console, f"package/{RELEASE_NAME}.nfo"))
    assert b"\t" in broken
    job = start_job(console, "NFO fix", {})
    expect(console.role("table", "Packages").get_by_role("row").nth(1)).to_contain_text("2 Current")
    fixed = download(console, link(console, f"package/{RELEASE_NAME}.nfo"))
    assert b"Group:  GRP\r\n" in fixed
    assert b"\t" not in fixed
    sfv = download(console, link(console, f"package/{RELEASE_NAME}.sfv"))
    diz = download(console, link(console, "package/FILE_ID.DIZ"))
    archive = download(console, link(console, f"package/{RELEASE_NAME}.zip"))
    names = {"nfo": fixed, "sfv": sfv, "zip": archive}
    package = {f"{RELEASE_NAME}.{kind}": data for kind, data in names.items()}
    assert_sfv_is_correct(package | {"FILE_ID.DIZ": diz})
    expect(open_job(console, job)).to_contain_text("placeholder")


def test_read_nfo_from_upload_to_release(console: Console, owner: User) -> None:
    release = begin(console, owner, {"release.nfo": NFO.encode("cp437")})
    job = start_job(console, "Read NFO", {"Write the metadata to the release": True})
    expect(console.role("heading", "L'été à la mer", level=1)).to_be_visible()
    expect(console.role("complementary", "Details")).to_contain_text("Élise Noël")
    assert owner.release(release)["metadata"]["year"] == 2024
    expect(open_job(console, job)).to_contain_text("cp437")


def test_nfo_among_the_source_files_is_shown_repaired(console: Console, owner: User) -> None:
    begin(console, owner, {"release.nfo": NFO.encode("cp437")})
    job = start_job(console, "NFO fix", {"Only report the changes, and change nothing": True})
    result = open_job(console, job)
    expect(result).to_contain_text("░▒▓█ Titre ........: L'été à la mer █▓▒░")


def test_directory_fix_from_upload_to_download(console: Console, owner: User) -> None:
    begin(console, owner, SOURCES)
    pack(console, SFV=False)
    sfv = link(console, f"package/{RELEASE_NAME}.sfv")
    expect(sfv).to_have_count(0)
    job = start_job(console, "Directory fix", {})
    expect(sfv).to_be_visible()
    names = [f"{RELEASE_NAME}.{kind}" for kind in ("nfo", "sfv", "zip")]
    package = {
        name: download(console, link(console, f"package/{name}"))
        for name in [*names, "FILE_ID.DIZ"]
    }
    assert_sfv_is_correct(package)
    expect(open_job(console, job)).to_contain_text("sfv_missing")
