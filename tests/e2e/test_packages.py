"""Jobs on a package: repack, dirfix, and restoring an earlier package."""

from typing import Any

import pytest

from api import Answer, User, assert_problem
from packages import (
    SOURCES,
    assert_sfv_is_correct,
    join_volumes,
    make_package,
    unzip,
)
from routes import UNKNOWN_ID
from samples import RELEASE_NAME
from stack import Stack

ADDED = "art/été à la mer.JPG"


def test_repack_rebuilds_a_package_with_other_options(owner: User) -> None:
    release, name = owner.create_release(SOURCES), "Another.Name-GRP"
    first = make_package(
        owner, release, release_name=RELEASE_NAME, volume_size=65_536, compression="store"
    )
    second = make_package(owner, release, "repack", release_name=name, compression="high")
    assert set(second) == {f"{name}.zip", f"{name}.nfo", f"{name}.sfv", "FILE_ID.DIZ"}
    assert unzip(second[f"{name}.zip"]) == unzip(join_volumes(first))
    assert_sfv_is_correct(second, name)
    assert owner.release(release)["package"]["version"] == 2


def test_repack_keeps_the_name_by_default(owner: User) -> None:
    release = owner.create_release(SOURCES)
    make_package(owner, release, release_name=RELEASE_NAME)
    package = make_package(owner, release, "repack", volume_size=65_536)
    assert unzip(join_volumes(package)) == SOURCES
    assert_sfv_is_correct(package)


def test_repack_without_a_package_fails(owner: User) -> None:
    job = owner.run_job(job_type="repack", release_id=owner.create_release(SOURCES))
    assert (job["status"], job["error"]["code"]) == ("failed", "package_missing")


def restore(user: User, release: int, job: int) -> Answer:
    """Makes the package of an earlier job current again."""
    return user.put(f"/api/releases/{release}/package", {"job_id": job})


def test_earlier_package_is_restored(owner: User, admin: User) -> None:
    release = owner.create_release(SOURCES)
    first, second = (
        owner.run_job(job_type=job_type, release_id=release, config_json={"release_name": name})
        for job_type, name in (("packaging", RELEASE_NAME), ("repack", "Another.Name-GRP"))
    )
    shown = owner.release(release)
    assert (shown["package"]["job_id"], shown["package"]["version"]) == (second["id"], 2)
    [replaced] = shown["replaced_packages"]
    assert (replaced["job_id"], replaced["version"]) == (first["id"], 1)
    assert replaced["expires_at"] > shown["package"]["since"]

    restored = restore(owner, release, first["id"])
    assert (restored.status, restored.body["package"]["job_id"]) == (200, first["id"])
    assert restored.body["package"]["version"] == 3
    replaced_jobs = [package["job_id"] for package in restored.body["replaced_packages"]]
    assert replaced_jobs == [second["id"]]
    assert owner.release(release) == restored.body
    assert f"{RELEASE_NAME}.zip" in owner.files(release, "package/")
    again = restore(owner, release, first["id"])
    assert (again.status, again.body) == (200, restored.body)
    assert restore(admin, release, second["id"]).body["package"]["version"] == 4


def test_invalid_restore_is_rejected(owner: User, stranger: User) -> None:
    release, config = owner.create_release(SOURCES), {"path": "empty.txt"}
    job = owner.run_job(job_type="analysis", release_id=release, config_json=config)["id"]
    for other in (job, UNKNOWN_ID):
        assert_problem(restore(owner, release, other), 409, "package-not-kept")
    assert_problem(restore(stranger, release, job), 403, "forbidden")
    assert_problem(restore(owner, UNKNOWN_ID, job), 404, "release-not-found")


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "job_id"), ({"job_id": "x"}, "job_id"), ({"job_id": 1, "typo": 1}, "typo")],
    ids=str,
)
def test_invalid_field_of_a_restore_is_named(owner: User, body: dict[str, Any], field: str) -> None:
    answer = owner.put(f"/api/releases/{owner.create_release()}/package", body)
    assert_problem(answer, 400, "invalid-request", field)


def fix(user: User, release: int, **config: Any) -> Any:
    """Runs dirfix on a release; returns its result."""
    job = user.run_job(job_type="dirfix", release_id=release, config_json=config)
    assert job["status"] == "completed", job["error"]
    return job["result"]


def test_dirfix_leaves_a_correct_package_unchanged(owner: User) -> None:
    release = owner.create_release(SOURCES)
    before = make_package(owner, release, release_name=RELEASE_NAME)
    assert fix(owner, release) == {"changes": [], "omitted_changes": 0, "applied": False}
    assert owner.files(release, "package/") == before


def test_dirfix_repairs_names_and_the_sfv(stack: Stack, owner: User) -> None:
    release = owner.create_release(SOURCES)
    before = make_package(owner, release, release_name=RELEASE_NAME)
    [nfo] = [key for key in stack.output_keys(release) if key.endswith(".nfo")]
    key = nfo.removesuffix(f"{RELEASE_NAME}.nfo") + ADDED
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"jpeg")
    dry = fix(owner, release, dry_run=True)
    assert not dry["applied"]
    assert set(owner.files(release, "package/")) == {*before, ADDED}
    wet = fix(owner, release)
    assert (wet["applied"], wet["changes"]) == (True, dry["changes"])
    reasons = {change["from"]: set(change["why"]) for change in wet["changes"]}
    assert reasons == {
        ADDED: {"accents", "spaces", "extension_case"},
        f"{RELEASE_NAME}.sfv": {"sfv_wrong"},
    }
    after = owner.files(release, "package/")
    assert after["art/ete.a.la.mer.jpg"] == b"jpeg"
    assert_sfv_is_correct(after)
    assert fix(owner, release)["changes"] == []


def test_dirfix_makes_a_missing_sfv(owner: User) -> None:
    release, sfv = owner.create_release(SOURCES), f"{RELEASE_NAME}.sfv"
    before = make_package(owner, release, release_name=RELEASE_NAME, generate_sfv=False)
    [change] = fix(owner, release)["changes"]
    assert change == {"from": None, "to": sfv, "why": ["sfv_missing"]}
    after = owner.files(release, "package/")
    assert set(after) - set(before) == {sfv}
    assert_sfv_is_correct(after)


def test_dirfix_reports_source_files_and_never_changes_them(owner: User) -> None:
    release = owner.create_release(SOURCES)
    result = fix(owner, release)
    assert "art/cover é.txt" in [change["from"] for change in result["changes"]]
    assert not result["applied"]
    assert owner.files(release, "source/") == SOURCES
