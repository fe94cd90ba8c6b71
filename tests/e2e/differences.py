"""How the stack's AWS answers what the system leaves to it, compared with the local AWS.

A difference is not a fault. Each one belongs in docs/aws-differences.md.
"""

from collections.abc import Callable

from api import Answer
from stack import Stack

MIB = 1024 * 1024
FOREIGN_ORIGIN = "https://other.example"
# The answers of the local AWS.
LOCAL = {
    "a request without a token": "401 Unauthorized",
    "a request with a bad token": "403 Forbidden",
    "a preflight request from a foreign origin": "403 CORS origin denied",
    "a body of 7 MiB": "413 urn:jobs:too-large",
    "a body above 10 MiB": "413 urn:jobs:too-large",
    "a path with a doubled slash": "200",
}


def probes(stack: Stack) -> dict[str, Callable[[], Answer]]:
    """Returns a request for each answer of `LOCAL`."""
    user, anonymous = stack.new_user(), stack.client()
    found = {
        "a request without a token": lambda: anonymous.get("/api/jobs"),
        "a request with a bad token": lambda: stack.client("nonsense").get("/api/jobs"),
        "a body of 7 MiB": lambda: user.post("/api/jobs", b" " * 7 * MIB),
        "a body above 10 MiB": lambda: user.post("/api/jobs", b" " * (10 * MIB + 1)),
        "a path with a doubled slash": lambda: user.get("//api/jobs"),
    }
    if stack.origins:  # without them, the API has no CORS settings
        found["a preflight request from a foreign origin"] = lambda: anonymous.call(
            "OPTIONS", "/api/jobs", origin=FOREIGN_ORIGIN, access_control_request_method="PATCH"
        )
    return found


def describe(probe: Callable[[], Answer]) -> str:
    """Returns the status and the type or message of an answer, or the error instead of one."""
    try:
        answer = probe()
    except (OSError, ValueError) as error:
        return f"no answer: {error}"
    body = answer.body if isinstance(answer.body, dict) else {}
    return f"{answer.status} {body.get('type') or body.get('message') or ''}".strip()


def differences(stack: Stack) -> list[str]:
    """Describes each answer that differs from that of the local AWS."""
    answers = {name: describe(probe) for name, probe in probes(stack).items()}
    return [
        f"{name}: {answer}; the local AWS answers {LOCAL[name]}"
        for name, answer in answers.items()
        if answer != LOCAL[name]
    ]
