"""Every error in the contract, through the deployed API."""

from collections.abc import Callable
from typing import Any

import pytest

from api import Answer, Client, User, assert_problem
from routes import ID_ROUTES, ROUTES, UNKNOWN_ID, resource
from stack import Stack
from waiting import wait_until

Send = Callable[[str, object], Answer]

INVALID_IDS = (
    "0",
    "-1",
    "+1",
    "1.5",
    "abc",
    "1e3",
    "9007199254740992",
    "99999999999999999999",
)
BODY_ROUTES = (
    "POST /api/jobs",
    "PATCH /api/jobs/{id}",
    "POST /api/releases",
    "PATCH /api/releases/{id}",
    "POST /api/releases/{id}/files",
)
REQUIRED_FIELDS: dict[str, dict[str, Any]] = {
    "POST /api/jobs": {"job_type": "nfofix", "release_id": 1},
    "PATCH /api/jobs/{id}": {},
    "POST /api/releases": {"release_type": "ebook"},
    "PATCH /api/releases/{id}": {},
    "POST /api/releases/{id}/files": {"path": "a", "size": 1},
}
JOB_TYPES = ("analysis", "packaging", "repack", "nfofix", "readnfo", "dirfix")
INVALID_CONFIGURATION: dict[str, tuple[Any, ...]] = {
    "compression": ("best", 9),
    "volume_size": (0, 65_535, "1 MB", -1),
    "generate_nfo": ("yes", 1),
    "release_name": ("short-G", "has space-GRP", "no.group.at.all", "two..dots-GRP", 7),
    "group": ("", "no spaces", 5),
    "template": ("", [], "{% if %}"),
}
INVALID_LIST_PARAMETERS = {
    "status": ("done", "failed,done", ""),
    "job_type": ("juggling", "nfofix,"),
    "release_id": ("0", "x"),
    "created_after": ("yesterday", "2026-13-01T00:00:00Z"),
    "created_before": ("1700000000",),
    "limit": ("0", "101", "-1", "ten", "1.5"),
    "cursor": ("nonsense", "!", "AAAAAAAAAAAAAAAAAAAAAA"),
    "sort": ("up",),
    "user_id": ("0", "me"),
}
INVALID_LOG_PARAMETERS = {
    "after": ("x", "-1", "99999999999999"),
    "since": ("yesterday",),
    "level": ("LOUD",),
    "limit": ("0", "1001", "x"),
    "tail": ("1",),
}
KIB = 1024
LARGEST_BODY = b'{"draft": true}'.ljust(256 * KIB)


def pairs(table: dict[str, tuple[Any, ...]]) -> list[Any]:
    """Returns every key of a table with each of its values, as test parameters."""
    return [
        pytest.param(name, value, id=f"{name}={value!r}")
        for name, values in table.items()
        for value in values
    ]


def unsupported_methods() -> list[tuple[str, str]]:
    """Returns every path with each method that has no route."""
    known: dict[str, set[str]] = {}
    for route in ROUTES:
        method, path = route.split(" ")
        known.setdefault(path.partition("?")[0], set()).add(method)
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return [(each, path) for path in known for each in methods if each not in known[path]]


@pytest.fixture(scope="module")
def owner(stack: Stack) -> User:
    """One user for all tests here: they change nothing."""
    return stack.new_user()


@pytest.fixture(scope="module")
def draft(owner: User) -> int:
    return owner.create_draft()


@pytest.fixture(scope="module")
def release(owner: User) -> int:
    return owner.create_release()


@pytest.fixture(scope="module")
def send(owner: User, draft: int, release: int) -> Send:
    """Sends a body to a route, about the owner's draft or release."""

    def send(route: str, body: object) -> Answer:
        method, path = route.split(" ")
        resource_id = release if resource(route) == "release" else draft
        return owner.call(method, path.format(id=resource_id), body)

    return send


@pytest.mark.parametrize("route", BODY_ROUTES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"not json", b"[]", b"7", b"null", b'"text"', b"{} {}"], ids=repr
)
def test_body_that_is_not_one_json_object_is_malformed(send: Send, route: str, body: bytes) -> None:
    assert_problem(send(route, body), 400, "malformed-body")


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_unknown_field_is_named(send: Send, route: str) -> None:
    answer = send(route, REQUIRED_FIELDS[route] | {"typo": 1})
    assert_problem(answer, 400, "invalid-request", "typo")


@pytest.mark.parametrize("job_type", JOB_TYPES)
@pytest.mark.parametrize("route", ["POST /api/jobs", "PATCH /api/jobs/{id}"])
def test_unknown_configuration_field_is_named(send: Send, route: str, job_type: str) -> None:
    body = {"job_type": job_type, "release_id": 1, "config_json": {"compresion": "high"}}
    answer = send(route, body)
    assert_problem(answer, 400, "invalid-request", "config_json.compresion")


@pytest.mark.parametrize(
    "body",
    [{"job_type": "juggling"}, {"job_type": "juggling", "draft": True}, {"job_type": 7}],
    ids=str,
)
def test_unknown_job_type_is_named(send: Send, body: dict[str, Any]) -> None:
    assert_problem(send("POST /api/jobs", body), 400, "invalid-request", "job_type")


def test_missing_job_type_is_named(owner: User, send: Send) -> None:
    assert_problem(send("POST /api/jobs", {}), 400, "invalid-request", "job_type")
    submitted = owner.put(f"/api/jobs/{owner.create_draft()}/submit")
    assert_problem(submitted, 400, "invalid-request", "job_type")


def test_missing_release_is_named(owner: User, send: Send) -> None:
    answer = send("POST /api/jobs", {"job_type": "nfofix"})
    assert_problem(answer, 400, "invalid-request", "release_id")
    draft = owner.create_draft(job_type="nfofix")
    submitted = owner.put(f"/api/jobs/{draft}/submit")
    assert_problem(submitted, 400, "invalid-request", "release_id")


def test_all_invalid_fields_of_a_job_are_named_at_once(send: Send) -> None:
    body = {"job_type": [], "release_id": 0, "config_json": "x", "draft": "yes", "typo": 1}
    answer = send("POST /api/jobs", body)
    assert answer.status == 400
    assert {error["field"] for error in answer.body["errors"]} == set(body)


@pytest.mark.parametrize("release_id", [0, -1, 1.5, "42", 2**53, True], ids=repr)
def test_invalid_release_id_is_named(send: Send, release_id: object) -> None:
    answer = send("POST /api/jobs", {"job_type": "nfofix", "release_id": release_id})
    assert_problem(answer, 400, "invalid-request", "release_id")


@pytest.mark.parametrize(("field", "value"), pairs(INVALID_CONFIGURATION))
def test_invalid_configuration_value_is_named(send: Send, field: str, value: object) -> None:
    body = {"job_type": "packaging", "release_id": 1, "config_json": {field: value}}
    answer = send("POST /api/jobs", body)
    assert_problem(answer, 400, "invalid-request", f"config_json.{field}")


def test_largest_body_is_accepted(send: Send) -> None:
    assert send("POST /api/jobs", LARGEST_BODY).status == 201


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_larger_body_is_rejected(send: Send, route: str) -> None:
    assert_problem(send(route, LARGEST_BODY + b" "), 413, "too-large")


def test_largest_configuration_is_accepted_and_a_larger_one_rejected(send: Send) -> None:
    # Without a type, only the size of a draft's configuration is checked.
    config = {"x": "y" * (64 * KIB - len('{"x":""}'))}
    assert send("POST /api/jobs", {"draft": True, "config_json": config}).status == 201
    config["x"] += "y"
    created = send("POST /api/jobs", {"draft": True, "config_json": config})
    assert_problem(created, 413, "too-large")
    assert_problem(send("PATCH /api/jobs/{id}", {"config_json": config}), 413, "too-large")


def test_larger_field_is_rejected_before_an_invalid_one(send: Send) -> None:
    large = {"x": "y" * (64 * KIB)}
    body = {"job_type": "juggling", "config_json": large}
    for route in ("POST /api/jobs", "PATCH /api/jobs/{id}", "POST /api/jobs/{id}/retry"):
        assert_problem(send(route, body), 413, "too-large")
    release = {"release_type": "an ebook", "metadata": large}
    assert_problem(send("POST /api/releases", release), 413, "too-large")


@pytest.mark.parametrize("route", ROUTES)
def test_unknown_parameter_is_named(owner: User, draft: int, release: int, route: str) -> None:
    method, path = route.split(" ")
    resource_id = release if resource(route) == "release" else draft
    path = path.format(id=resource_id) + ("&" if "?" in path else "?") + "tpyo=1"
    answer = owner.call(method, path, ROUTES[route])
    assert_problem(answer, 400, "invalid-request", "tpyo")


@pytest.mark.parametrize(
    "route", ["PUT /api/jobs/{id}/cancel", "PUT /api/jobs/{id}/submit", "POST /api/jobs/{id}/retry"]
)
def test_unknown_field_of_an_optional_body_is_named(send: Send, route: str) -> None:
    assert_problem(send(route, {"typo": 1}), 400, "invalid-request", "typo")
    assert_problem(send(route, b"[]"), 400, "malformed-body")


def test_unknown_field_is_answered_with_the_known_ones(send: Send) -> None:
    answer = send("POST /api/releases/{id}/files", {"path": "a", "size": 1, "type": "text"})
    [error] = answer.body["errors"]
    assert error["message"] == "is not a known field; there are: path, size"


def test_idempotency_key_has_a_maximum_length(owner: User) -> None:
    answer = owner.post("/api/jobs", {"draft": True}, idempotency_key="k" * 129)
    assert_problem(answer, 400, "invalid-request", "Idempotency-Key")


@pytest.mark.parametrize("path", ["/api/jobs", "/api/releases/{release}/jobs"])
@pytest.mark.parametrize(("name", "value"), pairs(INVALID_LIST_PARAMETERS))
def test_invalid_list_parameter_is_named(
    owner: User, release: int, path: str, name: str, value: str
) -> None:
    answer = owner.get(f"{path.format(release=release)}?{name}={value}")
    assert_problem(answer, 400, "invalid-request", name)


@pytest.mark.parametrize(("name", "value"), pairs(INVALID_LOG_PARAMETERS))
def test_invalid_log_parameter_is_named(owner: User, draft: int, name: str, value: str) -> None:
    answer = owner.get(f"/api/jobs/{draft}/logs?{name}={value}")
    assert_problem(answer, 400, "invalid-request", name)


def test_all_invalid_parameters_are_named_at_once(owner: User) -> None:
    answer = owner.get("/api/jobs?status=done&limit=0&limt=5")
    assert_problem(answer, 400, "invalid-request", "status", "limit", "limt")


def test_cursor_is_valid_only_for_its_own_query(stack: Stack, admin: User) -> None:
    user = stack.new_user()
    for _ in range(2):
        user.create_draft()
    cursor = wait_until(
        lambda: user.get("/api/jobs?limit=1").body["next_cursor"], "both drafts in the list"
    )
    assert user.get(f"/api/jobs?limit=1&cursor={cursor}").status == 200
    for caller, query in (
        (user, "status=draft&"),
        (stack.new_user(), ""),
        (admin, ""),
        (admin, f"user_id={user.id}&"),
    ):
        answer = caller.get(f"/api/jobs?{query}cursor={cursor}")
        assert_problem(answer, 400, "invalid-request", "cursor")


def test_only_an_admin_lists_the_jobs_of_another_user(
    owner: User, stranger: User, admin: User
) -> None:
    assert_problem(stranger.get(f"/api/jobs?user_id={owner.id}"), 403, "forbidden")
    assert stranger.get(f"/api/jobs?user_id={stranger.id}").status == 200
    assert admin.get(f"/api/jobs?user_id={owner.id}").status == 200


@pytest.mark.parametrize("route", ID_ROUTES)
@pytest.mark.parametrize("invalid_id", INVALID_IDS)
def test_invalid_id_is_not_found(owner: User, route: str, invalid_id: str) -> None:
    answer = owner.call_route(route, invalid_id)
    assert_problem(answer, 404, f"{resource(route)}-not-found")


@pytest.mark.parametrize("route", ID_ROUTES)
def test_unknown_id_is_not_found(owner: User, admin: User, route: str) -> None:
    for user in (owner, admin):
        answer = user.call_route(route, UNKNOWN_ID)
        assert_problem(answer, 404, f"{resource(route)}-not-found")


def test_job_of_an_unknown_release_is_not_found(owner: User, draft: int) -> None:
    created = owner.post("/api/jobs", {"job_type": "nfofix", "release_id": UNKNOWN_ID})
    assert_problem(created, 404, "release-not-found")
    changed = owner.patch(f"/api/jobs/{draft}", {"release_id": UNKNOWN_ID})
    assert_problem(changed, 404, "release-not-found")


@pytest.mark.parametrize(("method", "path"), unsupported_methods())
def test_unsupported_method_is_rejected(owner: User, draft: int, method: str, path: str) -> None:
    assert_problem(owner.call(method, path.format(id=draft)), 404, "route-not-found")


@pytest.mark.parametrize(
    "path", ["/api", "/api/job", "/api/jobs/1/2/3", "/api/wizard", "/health/x"]
)
def test_unknown_path_is_not_found(anonymous: Client, path: str) -> None:
    assert_problem(anonymous.get(path), 404, "route-not-found")


@pytest.mark.parametrize("route", ROUTES)
def test_route_without_a_token_is_unauthorized(anonymous: Client, route: str) -> None:
    assert anonymous.call_route(route).status == 401
