"""Releases and their files."""

import random
from typing import Any

import pytest

from api import Answer, User, assert_problem, fetch, upload
from routes import RELEASE_ROUTES

RELEASE = {
    "id",
    "user_id",
    "release_type",
    "name",
    "group",
    "metadata",
    "package",
    "created_at",
}
INVALID_FIELDS: dict[str, tuple[Any, ...]] = {
    "id": (0, "5", 2**53),
    "release_type": (None, "", "E Book", "x" * 33, 5),
    "name": ("", "a\nb", "a\u202eb", "a\u2028b", "x" * 201, 5),
    "group": ("", "two words", "x" * 33),
    "metadata": ([], "x"),
    "user_id": (0, "7"),
}
INVALID_PATHS = (
    "",
    "/a",
    "../a",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    "a\\b",
    "a\nb",
    "C:x",
    "exe.\u202efdp",
    "a\u2028b",
    "x" * 513,
    5,
    None,
)
GIB = 1024**3


def add_file(user: User, release: int, path: object = "a.txt", size: object = 3) -> Answer:
    """Announces a file, which the user then uploads."""
    return user.post(f"/api/releases/{release}/files", {"path": path, "size": size})


def file_entries(user: User, release: int) -> list[Any]:
    return user.file_entries(release)


def test_release_is_created_and_read(owner: User, admin: User) -> None:
    given = {
        "release_type": "ebook",
        "name": "A Name",
        "group": "GRP",
        "metadata": {"title": "É", "year": 2026},
    }
    answer = owner.post("/api/releases", given)
    release = answer.body
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/releases/{release['id']}"
    assert set(release) >= RELEASE
    assert {name: release[name] for name in given} == given
    assert (release["user_id"], release["package"]) == (owner.id, None)
    for user in (owner, admin):
        read = user.get(f"/api/releases/{release['id']}")
        assert (read.status, read.body) == (200, release)


def test_only_an_admin_chooses_an_id_and_once(owner: User, stranger: User, admin: User) -> None:
    release_id = random.randrange(10**6, 10**12)
    given = {"id": release_id, "release_type": "ebook", "name": "First"}
    for user in (owner, stranger):
        assert_problem(user.post("/api/releases", given), 403, "forbidden")
    created = admin.post("/api/releases", given | {"user_id": owner.id})
    assert (created.status, created.body["id"]) == (201, release_id)
    again = admin.post("/api/releases", given | {"name": "Second"})
    assert_problem(again, 409, "release-id-taken")
    assert owner.release(release_id)["name"] == "First"


def test_only_an_admin_creates_a_release_for_another_user(
    owner: User, stranger: User, admin: User
) -> None:
    given = {"release_type": "ebook", "user_id": owner.id}
    assert_problem(stranger.post("/api/releases", given), 403, "forbidden")
    assert owner.post("/api/releases", given).body["user_id"] == owner.id
    release = admin.post("/api/releases", given).body
    assert release["user_id"] == owner.id
    assert owner.get(f"/api/releases/{release['id']}").status == 200
    assert_problem(stranger.get(f"/api/releases/{release['id']}"), 403, "forbidden")


@pytest.mark.parametrize("route", RELEASE_ROUTES)
def test_stranger_has_no_access_and_an_admin_has(
    owner: User, stranger: User, admin: User, route: str
) -> None:
    release = owner.create_release()
    assert_problem(stranger.call_route(route, release), 403, "forbidden")
    assert admin.call_route(route, release).status in (200, 201, 204)


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in INVALID_FIELDS.items() for value in values],
)
def test_invalid_field_is_named(owner: User, field: str, value: object) -> None:
    answer = owner.post("/api/releases", {"release_type": "ebook"} | {field: value})
    assert_problem(answer, 400, "invalid-request", field)


def test_metadata_has_a_maximum_size(owner: User) -> None:
    metadata = {"x": "y" * 65_536}
    answer = owner.post("/api/releases", {"release_type": "ebook", "metadata": metadata})
    assert_problem(answer, 413, "too-large")


def test_file_is_uploaded_listed_and_downloaded(owner: User, admin: User) -> None:
    release, path = owner.create_release(), "cd 1/été & more.txt"
    added = add_file(owner, release, path)
    assert (added.status, added.body["path"]) == (201, path)
    target = added.body["upload"]
    assert set(target) == {"method", "url", "headers", "expires_at"}
    assert target["method"] == "PUT"
    assert owner.get(f"/api/releases/{release}/files").body == {
        "files": [],
        "next_cursor": None,
    }
    assert upload(target, b"abc").status == 200
    for user in (owner, admin):
        [file] = file_entries(user, release)
        assert set(file) == {"path", "size", "last_modified", "url"}
        assert (file["path"], file["size"]) == (f"source/{path}", 3)
        assert fetch(file["url"]).body == b"abc"


def test_upload_of_another_size_is_rejected(owner: User) -> None:
    release = owner.create_release()
    for data in (b"four", b"ab", b""):
        assert upload(add_file(owner, release).body["upload"], data).status == 403, data
    assert file_entries(owner, release) == []


def test_upload_url_is_valid_only_for_its_path(owner: User) -> None:
    target = add_file(owner, owner.create_release()).body["upload"]
    elsewhere = target | {"url": target["url"].replace("a.txt", "b.txt")}
    assert upload(elsewhere, b"abc").status == 403
    unsigned = target | {"url": target["url"].split("?")[0]}
    assert upload(unsigned, b"abc").status == 403


def test_file_may_be_empty(owner: User) -> None:
    release = owner.create_release({"empty.txt": b""})
    assert owner.files(release, "source/") == {"empty.txt": b""}


@pytest.mark.parametrize("path", INVALID_PATHS, ids=lambda path: repr(path)[:20])
def test_path_outside_the_release_is_rejected(owner: User, path: object) -> None:
    answer = add_file(owner, owner.create_release(), path)
    assert_problem(answer, 400, "invalid-request", "path")


@pytest.mark.parametrize("size", [-1, 5 * GIB + 1, "3", 1.5, None], ids=repr)
def test_size_that_one_upload_cannot_have_is_rejected(owner: User, size: object) -> None:
    answer = add_file(owner, owner.create_release(), size=size)
    assert_problem(answer, 400, "invalid-request", "size")


def test_largest_size_of_one_upload_is_accepted(owner: User) -> None:
    assert add_file(owner, owner.create_release(), size=5 * GIB).status == 201


def test_upload_to_the_same_path_replaces_the_file(owner: User) -> None:
    release = owner.create_release({"a.txt": b"old"})
    assert upload(add_file(owner, release).body["upload"], b"new").status == 200
    assert owner.files(release, "source/") == {"a.txt": b"new"}


def test_only_sources_and_the_current_package_are_listed(owner: User) -> None:
    release = owner.create_release({"a.txt": b"abc"})
    jobs = [owner.run_job(job_type="packaging", release_id=release) for _ in range(2)]
    package = owner.release(release)["package"]
    assert (package["job_id"], package["version"]) == (jobs[1]["id"], 2)
    paths = [file["path"] for file in file_entries(owner, release)]
    expected = {"source/a.txt"} | {f"package/{file['path']}" for file in jobs[1]["result"]["files"]}
    assert (set(paths), len(paths)) == (expected, len(expected))


def test_type_is_kept_in_its_case(owner: User) -> None:
    assert owner.release(owner.create_release(release_type="EBOOK"))["release_type"] == "EBOOK"


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", 5), ("authors", [1]), ("year", "2026"), ("subjects", "a"), ("isbn", 978)],
)
def test_known_metadata_of_another_type_is_named(owner: User, field: str, value: object) -> None:
    answer = owner.post("/api/releases", {"release_type": "ebook", "metadata": {field: value}})
    assert_problem(answer, 400, "invalid-request", f"metadata.{field}")


def test_idempotency_key_makes_one_release(owner: User) -> None:
    body = {"release_type": "ebook", "name": "A Name"}
    first, again = (owner.post("/api/releases", body, idempotency_key="k") for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 200, first.body)
    assert again.headers["location"] == first.headers["location"]
    other = owner.post("/api/releases", body | {"name": "Another"}, idempotency_key="k")
    assert_problem(other, 409, "idempotency-key-reused")


def test_files_are_listed_page_by_page(owner: User) -> None:
    release = owner.create_release({f"{number}.txt": b"abc" for number in range(3)})
    job = owner.run_job(job_type="packaging", release_id=release)
    expected = [f"source/{number}.txt" for number in range(3)]
    expected += sorted(f"package/{file['path']}" for file in job["result"]["files"])
    for limit in range(1, len(expected) + 1):
        listed, cursor = [], ""
        while True:
            page = owner.get(f"/api/releases/{release}/files?limit={limit}{cursor}").body
            assert len(page["files"]) <= limit
            listed += [file["path"] for file in page["files"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert listed == expected, limit


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=x", "cursor=", "folder=source"])
def test_invalid_parameter_of_the_files_is_named(owner: User, query: str) -> None:
    answer = owner.get(f"/api/releases/{owner.create_release()}/files?{query}")
    assert_problem(answer, 400, "invalid-request", query.partition("=")[0])


def test_cursor_of_a_replaced_package_is_refused(owner: User) -> None:
    release = owner.create_release({"a.txt": b"abc"})
    owner.run_job(job_type="packaging", release_id=release)
    path = f"/api/releases/{release}/files?limit=2"
    cursor = owner.get(path).body["next_cursor"]
    assert owner.get(f"{path}&cursor={cursor}").status == 200
    owner.run_job(job_type="packaging", release_id=release)
    assert_problem(owner.get(f"{path}&cursor={cursor}"), 400, "invalid-request", "cursor")


def test_download_has_the_name_of_its_file(owner: User) -> None:
    release = owner.create_release({"cd 1/é 1.txt": b"abc"})
    [file] = file_entries(owner, release)
    headers = fetch(file["url"]).headers
    assert headers["content-type"] == "application/octet-stream"
    disposition = headers["content-disposition"]
    assert disposition == "attachment; filename=\"_ 1.txt\"; filename*=UTF-8''%C3%A9%201.txt"


def test_releases_are_listed_and_changed(owner: User, admin: User, stranger: User) -> None:
    first, second = owner.create_release(), owner.create_release(release_type="Comic", name="Two")
    ids = [one["id"] for one in owner.get("/api/releases").body["releases"]]
    assert ids == [second, first]
    assert stranger.get("/api/releases").body == {"releases": [], "next_cursor": None}
    path = f"/api/releases?user_id={owner.id}"
    assert_problem(stranger.get(path), 403, "forbidden")
    page = admin.get(path + "&limit=1").body
    assert page["releases"][0]["id"] == second
    page = admin.get(f"{path}&limit=1&cursor={page['next_cursor']}").body
    assert [one["id"] for one in page["releases"]] == [first]
    changed = owner.patch(f"/api/releases/{second}", {"name": None, "metadata": {"title": "Salt"}})
    assert (changed.status, changed.body["metadata"]) == (200, {"title": "Salt"})
    [comic] = owner.get("/api/releases?release_type=comic").body["releases"]
    assert (comic["id"], comic["name"], comic["title"]) == (second, None, "Salt")


@pytest.mark.parametrize("field", ["name", "group"])
def test_field_is_removed_alone(owner: User, field: str) -> None:
    release = owner.create_release(name="One", group="GRP")
    changed = owner.patch(f"/api/releases/{release}", {field: None})
    assert (changed.status, changed.body[field]) == (200, None)


def test_package_and_files_are_those_of_the_changed_release(owner: User) -> None:
    release = owner.create_release({"a.txt": b"one", "b.txt": b"two"})
    path = f"/api/releases/{release}/files?path=source/a.txt"
    for _ in range(2):
        assert owner.call("DELETE", path).status == 204
    assert owner.files(release, "source/") == {"b.txt": b"two"}
    owner.patch(f"/api/releases/{release}", {"group": "NEW", "metadata": {"title": "Salt"}})
    job = owner.run_job(job_type="packaging", release_id=release)
    assert job["result"]["release_name"] == "Salt-NEW"
    [listed] = owner.get("/api/releases").body["releases"]
    assert listed["package"]["job_id"] == job["id"]


def test_caller_is_told_who_they_are(owner: User, admin: User) -> None:
    for user, is_admin in ((owner, False), (admin, True)):
        me = user.get("/api/me").body
        assert (me["user_id"], me["admin"]) == (user.id, is_admin)
