"""The route of functions/get-job-status as commonly written in Python: boto3 and Powertools."""

import json
import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

MAX_ID = (1 << 53) - 1
EPOCH_MILLIS = 1_735_689_600_000  # ids count from 2025-01-01
RANDOM_BITS = 12
SHOWN = ("status", "progress", "step", "message", "attempt", "cancelled_by", "cancel_reason")
FINAL = ("completed", "failed", "cancelled")

logger = Logger(service="jobs")
app = APIGatewayHttpResolver()
dynamodb = boto3.client(
    "dynamodb",
    config=Config(
        connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 3}
    ),
)
table = os.environ["TABLE_NAME"]
plain = TypeDeserializer().deserialize

Item = dict[str, Any]


def time(millis: Any) -> str | None:
    """Formats a time as RFC 3339 in UTC with milliseconds."""
    if millis is None:
        return None
    moment = datetime.fromtimestamp(int(millis) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def problem(status: HTTPStatus, urn: str, detail: str) -> Response:
    """Returns an RFC 9457 problem."""
    body = {
        "type": f"urn:jobs:{urn}",
        "title": status.phrase.capitalize(),
        "status": status.value,
        "detail": detail,
        "request_id": app.current_event.request_context.request_id,
    }
    return Response(status.value, "application/problem+json", json.dumps(body))


def caller() -> tuple[int, bool] | None:
    """Returns the user and their admin flag from the authorizer, or None."""
    authorizer = app.current_event.request_context.authorizer
    context = (authorizer.get_lambda if authorizer else None) or {}
    user = str(context.get("user_id", ""))
    if not (user.isascii() and user.isdigit() and 0 < int(user) <= MAX_ID):
        return None
    return int(user), context.get("admin") is True


def view(job: Item) -> dict[str, Any]:
    """Converts a job to the format of the API."""
    error = None
    if "error_code" in job:
        error = {"code": job["error_code"], "message": job.get("error_message", "")}
    shown: dict[str, Any] = {"job_id": int(job["id"])}
    shown |= {name: job.get(name) for name in SHOWN}
    shown |= {"progress": int(job["progress"]), "attempt": int(job["attempt"])}
    shown["created_at"] = time((int(job["id"]) >> RANDOM_BITS) + EPOCH_MILLIS)
    shown |= {name: time(job.get(name)) for name in ("started_at", "updated_at", "finished_at")}
    is_cancelled, is_pending = job["status"] == "cancelled", job["status"] == "pending"
    shown["cancelled_at"] = shown["finished_at"] if is_cancelled else None
    shown["error"] = error
    shown["waiting_for"] = job.get("waiting_for", {"reason": "queue"}) if is_pending else None
    shown["poll_after"] = poll_after(job)
    return shown


def poll_after(job: Item) -> int | None:
    """Returns the seconds until it is worth asking again; None if the job is final."""
    if job["status"] in FINAL:
        return None
    if job["status"] == "running":
        return 1
    age = datetime.now(UTC).timestamp() - int(job["updated_at"]) / 1000
    return max(2, min(30, int(age / 4)))


@app.get("/api/jobs/<job_id>/status")
def get_job_status(job_id: str) -> Response:
    """Answers `GET /api/jobs/{id}/status`."""
    asking = caller()
    if asking is None:
        return problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "A bearer token is needed.")
    missing = problem(HTTPStatus.NOT_FOUND, "job-not-found", "There is no such job.")
    if not (job_id.isascii() and job_id.isdigit() and 0 < int(job_id) <= MAX_ID):
        return missing
    read = dynamodb.get_item(
        TableName=table, Key={"pk": {"S": f"JOB#{int(job_id)}"}, "sk": {"S": "META"}}
    )
    if "Item" not in read:
        return missing
    job = {name: plain(value) for name, value in read["Item"].items()}
    user, admin = asking
    if not admin and job["created_by"] != user:
        return problem(HTTPStatus.FORBIDDEN, "forbidden", "This job belongs to another user.")
    return Response(200, "application/json", json.dumps(view(job), separators=(",", ":")))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs once per request."""
    answer: dict[str, Any] = app.resolve(event, context)
    logger.info("answered", status=answer["statusCode"])
    return answer
