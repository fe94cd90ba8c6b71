"""The cover that an analysis finds, against an independent reader, and its thumbnail."""

import io
import random
import urllib.parse
from pathlib import Path

from PIL import Image

from api import User, fetch
from covers import (
    MEDIA_TYPES,
    archive,
    assert_is_thumbnail,
    make_comic,
    make_epub,
    make_image,
    read_cover,
)
from stack import Stack
from test_readers import analyses

EPUBS = 30
COMICS = 10
INSTALLED = Path("/usr/share/doc")  # where packages of Debian have their manuals
MAX_INSTALLED_BYTES = 10_000_000


def analyzed_cover(owner: User, files: dict[str, bytes]) -> tuple[int, int, dict[str, object]]:
    """Analyses a release of one file; returns the release, the job and the cover."""
    release = owner.create_release(files)
    job = owner.run_job(job_type="analysis", release_id=release)
    assert job["status"] == "completed", job["error"]
    view = owner.get(f"/api/wizard/jobs/{job['id']}/analysis")
    assert view.status == 200, view
    return release, int(job["id"]), view.body["cover"]


def installed_books() -> dict[str, bytes]:
    """Reads some of the EPUBs that are installed here, if there are any."""
    found = sorted(INSTALLED.rglob("*.epub"))
    sized = [path for path in found if path.stat().st_size < MAX_INSTALLED_BYTES]
    return {f"{number}.epub": path.read_bytes() for number, path in enumerate(sized[:10])}


def test_cover_is_that_of_an_independent_reader(owner: User) -> None:
    files = {f"{seed}.epub": make_epub(random.Random(seed)) for seed in range(EPUBS)}
    files |= {f"{seed}.cbz": make_comic(random.Random(seed)) for seed in range(COMICS)}
    files |= {f"installed-{name}": data for name, data in installed_books().items()}
    compared = 0
    for data, result in analyses(owner, files):
        expected, found = read_cover(data), result["cover"]
        assert (found and found["path"]) == (expected and expected[0])
        if expected:
            with Image.open(io.BytesIO(expected[1])) as image:
                assert found["media_type"] == MEDIA_TYPES[image.format or ""]
                assert (found["width"], found["height"]) == image.size
            # A job's details have no URL.
            assert set(found["thumbnail"]) == {"width", "height", "size"}
            compared += 1
    assert compared >= COMICS + EPUBS / 2


def test_thumbnail_of_each_kind_of_image_is_a_small_jpeg(owner: User) -> None:
    images = [make_image(random.Random(seed)) for seed in range(24)]
    release = owner.create_release(
        {f"{number}.cbz": archive({"1.jpg": image}) for number, image in enumerate(images)}
    )
    jobs = [
        owner.create_job(
            job_type="analysis", release_id=release, config_json={"path": f"{number}.cbz"}
        )
        for number in range(len(images))
    ]
    for job, image in zip(jobs, images, strict=True):
        owner.wait_for_end(job)
        thumbnail = owner.get(f"/api/wizard/jobs/{job}/analysis").body["cover"]["thumbnail"]
        answer = fetch(thumbnail["url"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        assert len(answer.body) == thumbnail["size"]
        assert_is_thumbnail(answer.body, image)


def test_url_is_the_owners_and_the_thumbnail_no_file_of_the_release(
    stack: Stack, owner: User, stranger: User
) -> None:
    files = {"book.epub": make_epub(random.Random(4))}
    release, job, cover = analyzed_cover(owner, files)
    thumbnail = cover["thumbnail"]
    assert isinstance(thumbnail, dict)
    path = urllib.parse.urlsplit(thumbnail["url"]).path
    key = f"releases/{release}/jobs/{job}/1/cover.jpg"
    assert path.endswith(key)
    assert thumbnail["expires_at"]
    assert fetch(thumbnail["url"].partition("?")[0]).status == 403
    assert stranger.get(f"/api/wizard/jobs/{job}/analysis").status == 403
    assert [file["path"] for file in owner.file_entries(release)] == ["source/book.epub"]
    tags = stack.s3.get_object_tagging(Bucket=stack.bucket, Key=key)["TagSet"]
    assert tags == [{"Key": "expires-with", "Value": "job"}]

    stack.s3.delete_object(Bucket=stack.bucket, Key=key)
    assert fetch(thumbnail["url"]).status == 404


def test_book_whose_cover_is_not_drawn_has_a_warning_and_no_url(owner: User) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='3' height='4'/>"
    png = make_image(random.Random(3))
    for image, media_type in ((svg, "image/svg+xml"), (png[: len(png) // 2], None)):
        _, job, cover = analyzed_cover(owner, {"a.cbz": archive({"1.png": image})})
        assert cover["path"] == "1.png"
        assert media_type in (None, cover["media_type"])
        if cover["thumbnail"] is None:
            assert any("has no thumbnail" in line["message"] for line in owner.log(job))


def test_job_that_is_no_analysis_of_a_book_has_no_cover(owner: User) -> None:
    _, _, cover = analyzed_cover(owner, {"notes.txt": b"Once"})
    assert cover is None
