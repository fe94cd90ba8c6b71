"""Throttles each route of a stage of an API: the stage's default, and the routes of their own.

The routes that write have a limit of their own, which their stage's default does not change.
"""

import argparse
import json
import re

from aws_cli import aws

Limit = dict[str, int]


def parse_limit(text: str) -> Limit:
    """Reads a limit: requests a second, a slash, requests in a burst."""
    if not (match := re.fullmatch(r"(\d+)/(\d+)", text)):
        raise argparse.ArgumentTypeError("must be a rate and a burst, such as 100/200")
    return {"ThrottlingRateLimit": int(match[1]), "ThrottlingBurstLimit": int(match[2])}


def main() -> None:
    """Sets the limits on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("api", help="id of the API")
    parser.add_argument("stage", help="name of the stage, such as $default")
    parser.add_argument("--default", type=parse_limit, required=True, help="limit of the stage")
    parser.add_argument("--routes", type=parse_limit, help="limit of the routes with their own")
    given = parser.parse_args()
    stage = ("--api-id", given.api, "--stage-name", given.stage)
    routes = aws("apigatewayv2", "get-stage", *stage).get("RouteSettings") or {}
    settings = ["--default-route-settings", json.dumps(given.default)]
    if routes:
        limit = given.routes or given.default
        changed = {route: {**kept, **limit} for route, kept in routes.items()}
        settings += ["--route-settings", json.dumps(changed)]
    aws("apigatewayv2", "update-stage", *stage, *settings)
    print(f"Throttled {given.stage} of {given.api} and {len(routes)} routes of their own.")


if __name__ == "__main__":
    main()
