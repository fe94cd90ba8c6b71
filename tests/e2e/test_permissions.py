"""The permissions of the deployed functions' roles, as IAM evaluates them."""

from typing import Any

import pytest

from invoke import function_name, functions
from stack import Stack

pytestmark = pytest.mark.local

LOGS = "arn:aws:logs:us-east-1:000000000000:log-group"


@pytest.fixture(scope="session")
def iam(stack: Stack) -> Any:
    """A client of IAM."""
    return stack.session.client("iam", endpoint_url=stack.endpoint_url)


def decision(iam: Any, role: str, action: str, resource: str) -> str:
    """Returns whether a role may call an action on a resource."""
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
    )
    [result] = answer["EvaluationResults"]
    return str(result["EvalDecision"])


@pytest.mark.parametrize("function", functions())
def test_function_only_writes_to_its_own_log_group(stack: Stack, iam: Any, function: str) -> None:
    name = function_name(function)
    configuration = stack.lambdas.get_function_configuration(FunctionName=name)
    group = configuration["LoggingConfig"]["LogGroup"]
    assert group == f"/aws/lambda/{name}"
    own, other = f"{LOGS}:{group}:log-stream:one", f"{LOGS}:/aws/lambda/other:log-stream:one"
    allowed = {
        (action, stream)
        for action in ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        for stream in (own, other)
        if decision(iam, configuration["Role"], action, stream) == "allowed"
    }
    assert allowed == {("logs:CreateLogStream", own), ("logs:PutLogEvents", own)}
