"""A deployed stack, read with the caller's own credentials."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import boto3
import botocore.exceptions

from local import fail, write_variables

# Tokens of the tests have only the claims `sub` and `role`.
CLAIMS = {"TokenIssuer": "", "TokenAudience": "", "TokenUserClaim": "sub", "TokenRoleClaim": "role"}
# The name of each setting of `Stack`, and the output with its value.
OUTPUTS = {
    "API_URL": "ApiUrl",
    "QUEUE_URL": "QueueUrl",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
    "EXHAUSTED_QUEUE_URL": "ExhaustedQueueUrl",
    "EVENTS_DEAD_LETTER_QUEUE_URL": "EventsDeadLetterQueueUrl",
    "EVENT_BUS_NAME": "EventBusName",
    "LIVE_API_ID": "LiveApiId",
    "TABLE_NAME": "TableName",
    "BUCKET_NAME": "BucketName",
}


class Deployment(NamedTuple):
    """What the tests must know about a stack. The credentials stay with the AWS SDK."""

    arn: str
    settings: dict[str, str]  # of `Stack`
    secret: bytes
    api_id: str
    functions: list[str]

    def write(self, folder: Path, users: range) -> None:
        """Writes the files that `local` reads, for new users with ids from `users`."""
        settings = self.settings | {"FIRST_USER": str(users[0]), "LAST_USER": str(users[-1])}
        write_variables(folder / "env", settings)
        (folder / "token-secret").touch(mode=0o600)
        (folder / "token-secret").write_bytes(self.secret)


def read_deployment(name: str, api_url: str | None = None) -> Deployment:
    """Reads a stack; ends the process with the reason if that fails.

    Endpoint, region and credentials are those of the environment or of the AWS configuration.
    `api_url` replaces the address among the outputs.
    """
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    try:
        return describe(session, name, api_url)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        fail(f"failed to read the stack {name} from {endpoint}: {error}")


def describe(session: boto3.Session, name: str, api_url: str | None) -> Deployment:
    """Reads the outputs and parameters of a stack, and its token secret."""
    [stack] = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    parameters = {
        each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])
    }
    if "SweepJobsFunctionName" not in outputs:
        fail(f"the stack {name} is {stack['StackStatus']}, or not one of this system")
    settings = {setting: outputs[output] for setting, output in OUTPUTS.items()} | {
        "STACK": name,
        "AWS_REGION": session.region_name,
        "ALLOWED_ORIGINS": parameters.get("AllowedOrigins", ""),
    }
    return Deployment(
        arn=stack["StackId"],
        settings=settings | ({"API_URL": api_url.rstrip("/")} if api_url else {}),
        secret=read_secret(session, name, parameters),
        api_id=outputs["ApiId"],
        functions=[outputs[key] for key in outputs if key.endswith("FunctionName")],
    )


def read_secret(session: boto3.Session, name: str, parameters: Mapping[str, str]) -> bytes:
    """Reads the secret that signs tokens; ends the process if the tests cannot make tokens."""
    if parameters.get("TokenJwksUrl"):
        fail(
            f"{name} takes tokens of an OIDC provider (TokenJwksUrl), which the tests cannot make; "
            "verify a stack with TokenSecretName"
        )
    if changed := [key for key, text in CLAIMS.items() if parameters.get(key, text) != text]:
        fail(
            f"{name} asks for other claims than sub and role ({', '.join(changed)}); verify a "
            "stack without these parameters"
        )
    secret = session.client("secretsmanager").get_secret_value(
        SecretId=parameters["TokenSecretName"]
    )
    return secret["SecretString"].encode()
