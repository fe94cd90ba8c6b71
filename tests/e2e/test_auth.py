"""Tokens signed with the shared secret, through the deployed API."""

import hashlib
import json
import re
import time
from typing import Any

import pytest

from api import Client, User
from signing import encode, make_token, shared_secret_token
from stack import Stack

REJECTED = (401, 403)
HOUR = 3600


def valid_for_an_hour() -> dict[str, Any]:
    return {"exp": int(time.time()) + HOUR}


@pytest.fixture
def user(stack: Stack) -> int:
    """The id of a new user."""
    return stack.new_id()


def status_with(stack: Stack, bearer: str) -> int:
    """Returns the status of a request with this token."""
    return stack.client(bearer).get("/api/jobs?limit=1").status


def test_request_without_an_authorization_header_is_unauthorized(anonymous: Client) -> None:
    assert anonymous.get("/api/jobs").status == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "{token}", "Basic {token}", "Bearer {token} x"]
)
def test_request_without_a_bearer_token_is_rejected(
    anonymous: Client, user: int, header: str
) -> None:
    token = shared_secret_token({"sub": user} | valid_for_an_hour())
    answer = anonymous.get("/api/jobs", authorization=header.format(token=token))
    assert answer.status in REJECTED


def test_scheme_is_case_insensitive(anonymous: Client, user: int) -> None:
    token = shared_secret_token({"sub": user} | valid_for_an_hour())
    assert anonymous.get("/api/jobs", authorization=f"bearer {token}").status == 200


@pytest.mark.parametrize(
    "forged",
    [
        "nonsense",
        "a.b.c",
        "{header}.{claims}",
        "{header}.{claims}.",
        "{header}.{claims}.{reversed}",
        "{header}.{admin}.{signature}",
    ],
)
def test_token_with_a_bad_signature_is_rejected(stack: Stack, user: int, forged: str) -> None:
    good = shared_secret_token({"sub": user} | valid_for_an_hour())
    assert status_with(stack, good) == 200
    header, claims, signature = good.split(".")
    admin = encode(json.dumps({"sub": user, "role": "admin"} | valid_for_an_hour()).encode())
    token = forged.format(
        header=header, claims=claims, signature=signature, reversed=signature[::-1], admin=admin
    )
    assert status_with(stack, token) in REJECTED


@pytest.mark.parametrize("secret", [b"x" * 48, b""], ids=["another", "empty"])
def test_token_signed_with_another_secret_is_rejected(
    stack: Stack, user: int, secret: bytes
) -> None:
    token = shared_secret_token({"sub": user} | valid_for_an_hour(), secret)
    assert status_with(stack, token) in REJECTED


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
def test_unsigned_token_is_rejected(stack: Stack, user: int, alg: str) -> None:
    claims = {"sub": user} | valid_for_an_hour()
    assert status_with(stack, make_token(claims, lambda _: b"", alg=alg)) in REJECTED


@pytest.mark.parametrize(
    ("alg", "digest"),
    [
        ("none", hashlib.sha256),
        ("None", hashlib.sha256),
        ("NONE", hashlib.sha256),
        ("HS512", hashlib.sha512),
        ("RS256", hashlib.sha256),
    ],
)
def test_token_of_another_algorithm_is_rejected(
    stack: Stack, user: int, alg: str, digest: Any
) -> None:
    token = shared_secret_token({"sub": user} | valid_for_an_hour(), alg=alg, digest=digest)
    assert status_with(stack, token) in REJECTED


@pytest.mark.parametrize(
    ("seconds", "claims"),
    [
        ({"exp": -60}, {}),
        ({}, {"exp": 0}),
        ({}, {}),
        ({}, {"exp": "soon"}),
        ({}, {"exp": None}),
        ({"exp": HOUR, "nbf": HOUR - 60}, {}),
    ],
    ids=["expired", "expired in 1970", "no expiry", "no number", "null", "not valid yet"],
)
def test_token_outside_its_time_is_rejected(
    stack: Stack, user: int, seconds: dict[str, int], claims: dict[str, Any]
) -> None:
    now = int(time.time())
    times = {name: now + offset for name, offset in seconds.items()}
    assert status_with(stack, shared_secret_token({"sub": user} | times | claims)) in REJECTED


def test_token_within_its_time_is_accepted(stack: Stack, user: int) -> None:
    times = {"nbf": int(time.time()) - 60} | valid_for_an_hour()
    assert status_with(stack, shared_secret_token({"sub": user} | times)) == 200


@pytest.mark.parametrize("kind", [int, str])
def test_subject_is_an_integer_or_a_string_of_digits(
    stack: Stack, owner: User, kind: type[int] | type[str]
) -> None:
    client = stack.client(shared_secret_token({"sub": kind(owner.id)} | valid_for_an_hour()))
    created = client.post("/api/jobs", {"draft": True})
    assert created.status == 201
    assert owner.job(created.body["id"])["created_by"] == owner.id


@pytest.mark.parametrize(
    "subject",
    [None, "", "me", -7, 7.5, 0, 2**53, "7 or 1", [7], {"id": 7}, True],
    ids=repr,
)
def test_subject_of_another_form_is_rejected(stack: Stack, subject: Any) -> None:
    token = shared_secret_token({"sub": subject} | valid_for_an_hour())
    assert status_with(stack, token) in REJECTED


def test_subject_is_required(stack: Stack) -> None:
    token = shared_secret_token({"user_id": 7} | valid_for_an_hour())
    assert status_with(stack, token) in REJECTED


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"role": "admin"}, 200),
        ({"roles": ["user", "admin"]}, 200),
        ({"roles": "admin"}, 200),
        ({"role": "user"}, 403),
        ({"role": "administrator"}, 403),
        ({"role": "ADMIN"}, 403),
        ({"roles": ["user"]}, 403),
        ({"role": True}, 403),
        ({"admin": True}, 403),
        ({}, 403),
    ],
    ids=str,
)
def test_only_role_or_roles_makes_an_admin(
    stack: Stack, owner: User, stranger: User, claims: dict[str, Any], status: int
) -> None:
    job = owner.create_draft()
    token = shared_secret_token({"sub": stranger.id} | claims | valid_for_an_hour())
    assert stack.client(token).get(f"/api/jobs/{job}").status == status


def test_only_allowed_origins_may_call_from_a_browser(stack: Stack, anonymous: Client) -> None:
    for origin in (*stack.origins, "http://elsewhere.example"):
        answer = anonymous.call(
            "OPTIONS",
            "/api/jobs",
            origin=origin,
            access_control_request_method="PATCH",
            access_control_request_headers="authorization,content-type",
        )
        allowed = origin if origin in stack.origins else None
        assert answer.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize("bearer", [None, "nonsense"])
def test_health_needs_no_token(stack: Stack, bearer: str | None) -> None:
    health = stack.client(bearer).get("/health")
    assert (health.status, health.body["status"]) == (200, "ok")
    assert re.search(r"^\d+\.\d+\.\d+", health.body["version"])
