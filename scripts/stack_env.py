"""Prints the names and addresses of a deployed stack as shell variables.

They have the names of .local/env, so that the commands of docs/operating.md and docs/procedures.md
are the same for both. It uses the AWS credentials and the region of the environment.
"""

import argparse
import shlex
import sys

from aws_cli import aws

# The variables that have the value of an output or a parameter of the stack.
OUTPUTS = {
    "API_URL": "ApiUrl",
    "API_ID": "ApiId",
    "QUEUE_URL": "QueueUrl",
    "QUEUE_ARN": "QueueArn",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
    "DEAD_LETTER_QUEUE_ARN": "DeadLetterQueueArn",
    "EXHAUSTED_QUEUE_URL": "ExhaustedQueueUrl",
    "EVENTS_DEAD_LETTER_QUEUE_URL": "EventsDeadLetterQueueUrl",
    "EVENT_BUS_NAME": "EventBusName",
    "LIVE_API_ID": "LiveApiId",
    "TABLE_NAME": "TableName",
    "BUCKET_NAME": "BucketName",
}
PARAMETERS = {"TOKEN_SECRET_NAME": "TokenSecretName"}


def stack_variables(stack: str) -> dict[str, str]:
    """Returns the shell variables of a stack."""
    [found] = aws("cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    given = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    if missing := set(OUTPUTS.values()) - set(outputs):
        sys.exit(f"error: the stack {stack} has no {', '.join(sorted(missing))}")
    variables = {"STACK": stack} | {name: outputs[key] for name, key in OUTPUTS.items()}
    return variables | {name: given.get(key, "") for name, key in PARAMETERS.items()}


def main() -> None:
    """Prints the variables of the stack on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stack", help="name of the stack, such as jobs-prod")
    for name, value in stack_variables(parser.parse_args().stack).items():
        print(f"{name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
