"""Starts MiniStack, the local AWS, with workarounds for its differences from AWS.

Each entry of WORKAROUNDS changes MiniStack in this process, before it starts. So the templates
contain nothing specific to the local AWS, and make up and sam deploy deploy the same system.
MiniStack has no public interface for this: its version is pinned in requirements/local.in.
"""

import json
import os
import re
import socketserver
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb, lambda_svc, sts
from ministack.services.cloudformation import provisioners
from samtranslator.translator import transform as sam

from http_api import write_out_http_apis

Properties = Mapping[str, Any]
Handler = Callable[..., tuple[str, dict[str, Any]]]
# Of an ASGI application: https://asgi.readthedocs.io/en/latest/specs/main.html
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

# The paths of MiniStack's own interface, which takes no credentials. Only its health is asked for.
ADMIN_PATHS = ("/_ministack/", "/_localstack/")
HEALTH_PATH = "/_ministack/health"
API_PATH = "/_aws/execute-api/"


def disable_nagle() -> None:
    """Sends small writes at once.

    An invocation is several small writes over loopback. With Nagle's algorithm each waits about
    40 ms for an acknowledgement.
    """
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def keep_parameter_references() -> None:
    """Leaves references to parameters in a template that SAM transforms.

    SAM replaces some of them with the parameter's value, for example AllowedOrigins in the API's
    CORS settings. MiniStack does not pass the values to SAM, which would use the defaults.
    CloudFormation resolves the references after the transform.
    """
    original = sam.transform

    def transform(template: dict[str, Any], *arguments: Any, **options: Any) -> dict[str, Any]:
        parameters = template.pop("Parameters", {})
        return {**original(template, *arguments, **options), "Parameters": parameters}

    sam.transform = transform


def read_http_api_bodies() -> None:
    """Deploys the routes, the authorizer and the CORS settings of an HTTP API's OpenAPI body."""
    original = sam.transform

    def transform(*arguments: Any, **options: Any) -> dict[str, Any]:
        return write_out_http_apis(original(*arguments, **options))

    sam.transform = transform


def set_time_to_live() -> None:
    """Applies a table's TimeToLiveSpecification."""

    def update(table: str, properties: Properties) -> None:
        if specification := properties.get("TimeToLiveSpecification"):
            request = {"TableName": table, "TimeToLiveSpecification": specification}
            dynamodb._update_ttl(request)  # noqa: SLF001

    after_deployment("AWS::DynamoDB::Table", update)


def read_maximum_concurrency() -> None:
    """Reads the MaximumConcurrency of an event source as a number.

    A parameter's value is text. MiniStack's poller compares it with a number, and fails.
    """

    def update(source: str, properties: Properties) -> None:
        if scaling := properties.get("ScalingConfig"):
            maximum = int(scaling["MaximumConcurrency"])
            mapping = lambda_svc._esms[source]  # noqa: SLF001
            mapping["ScalingConfig"] = {"MaximumConcurrency": maximum}

    after_deployment("AWS::Lambda::EventSourceMapping", update)


def trust_loopback() -> None:
    """Takes a request over plain HTTP for one over TLS, because it never leaves this machine."""
    original = app.pin_request_origin

    def pin(source_ip: str, _secure_transport: bool) -> None:  # noqa: FBT001
        original(source_ip, secure_transport=True)

    app.pin_request_origin = pin


def watch_first_metric() -> None:
    """Deploys an alarm on several metrics as one on the first: MiniStack has no metric math."""
    original = provisioners._cw_metric_alarm_record  # noqa: SLF001

    def record(name: str, properties: Properties) -> dict[str, Any]:
        simple = {key: value for key, value in properties.items() if key != "Metrics"}
        stats = (metric.get("MetricStat") for metric in properties.get("Metrics", ()))
        if first := next(filter(None, stats), None):
            simple |= {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
        return dict(original(name, simple))

    provisioners._cw_metric_alarm_record = record  # noqa: SLF001


def read_leading_keys() -> None:
    """Tells policies the partition key of a request to the table, `dynamodb:LeadingKeys`.

    MiniStack takes a condition on it for fulfilled. Requests for several items have none here.
    """
    original = iam_actions.dynamodb_service_context

    def context(body: bytes) -> dict[str, Any]:
        request = json.loads(body or b"{}")
        key = request.get("Key") or request.get("Item") or {}
        value = key.get("pk")
        if queried := re.match(r"pk = (:\w+)", request.get("KeyConditionExpression") or ""):
            value = request["ExpressionAttributeValues"][queried[1]]
        found: dict[str, Any] = original(body)
        return found | ({"dynamodb:LeadingKeys": [value["S"]]} if value else {})

    iam_actions.dynamodb_service_context = context


def check_root_key() -> None:
    """Accepts the key of this start alone for the account's own, and checks its signatures.

    MiniStack takes the key `test`, any account number, and no key for it, with any signature.
    """
    own = os.environ["AWS_ACCESS_KEY_ID"]
    for module in (iam_evaluator, sts):
        module.is_root_access_key = lambda key: key == own
    # Its signature is checked like that of any other key.
    iam_evaluator._is_root_key = lambda _: False  # noqa: SLF001


def answer_no_web_pages() -> None:
    """Lets no web page read answers, except as the API and the bucket allow it.

    MiniStack answers most requests with `Access-Control-Allow-Origin: *`, and its own interface
    would change settings or delete all data for anybody.
    """
    original = app.app

    async def answer(scope: Mapping[str, Any], receive: Any, send: Send) -> None:
        async def send_checked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = without_wildcard(list(message.get("headers", ())))
            await send(message)

        path = scope.get("path", "")
        if path.startswith(ADMIN_PATHS) and path != HEALTH_PATH:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            # The API answers with the CORS settings of the template.
            checks = scope["type"] == "http" and not path.startswith(API_PATH)
            await original(scope, receive, send_checked if checks else send)

    app.app = answer


def without_wildcard(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Returns the headers of an answer without those of CORS, if they allow every origin.

    Those of a bucket's own rules vary with the origin.
    """
    named = {name.lower(): value for name, value in headers}
    if named.get(b"access-control-allow-origin") != b"*" or b"vary" in named:
        return headers
    return [each for each in headers if not each[0].lower().startswith(b"access-control-")]


def reach_apis_by_path() -> None:
    """Gives functions the addresses of APIs at which the local AWS serves them.

    On AWS each API has a host name. Most machines do not resolve one below localhost.
    """
    host = re.compile(r"(http|ws)s://(\w+)\.execute-api\.[\w.-]+")
    original = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]  # noqa: SLF001

    def with_paths(properties: Properties) -> Properties:
        port = os.environ["GATEWAY_PORT"]
        variables = properties.get("Environment", {}).get("Variables", {})
        by_path = rf"\1://127.0.0.1:{port}{API_PATH}\2"
        moved = {name: host.sub(by_path, str(value)) for name, value in variables.items()}
        return {**properties, "Environment": {"Variables": moved}}

    def wrap(handler: Handler, properties_at: int) -> Handler:
        def handle(*arguments: Any) -> tuple[str, dict[str, Any]]:
            given = list(arguments)
            given[properties_at] = with_paths(given[properties_at])
            return handler(*given)

        return handle

    original["create"] = wrap(original["create"], properties_at=1)
    original["update"] = wrap(original["update"], properties_at=2)


def after_deployment(resource_type: str, act: Callable[[str, Properties], None]) -> None:
    """Calls `act` after CloudFormation has created or updated a resource of this type.

    `act` receives the physical ID and the properties.
    """
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]  # noqa: SLF001

    def wrap(handler: Handler, properties_at: int) -> Handler:
        def handle(*arguments: Any) -> tuple[str, dict[str, Any]]:
            physical_id, attributes = handler(*arguments)
            act(physical_id, arguments[properties_at])
            return physical_id, attributes

        return handle

    handlers["create"] = wrap(handlers["create"], properties_at=1)
    handlers["update"] = wrap(handlers["update"], properties_at=2)


# All differences between the local AWS and AWS that affect this system, in the order applied.
WORKAROUNDS = (
    disable_nagle,
    keep_parameter_references,
    read_http_api_bodies,
    set_time_to_live,
    read_maximum_concurrency,
    trust_loopback,
    watch_first_metric,
    read_leading_keys,
    check_root_key,
    answer_no_web_pages,
    reach_apis_by_path,
)


if __name__ == "__main__":
    for apply in WORKAROUNDS:
        apply()
    app.main()
