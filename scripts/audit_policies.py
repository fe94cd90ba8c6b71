"""Checks the IAM policies of template.yaml with parliament. `make audit-templates` runs it.

SAM expands the template, so that the policies are the documents that AWS receives. Parliament
reads no CloudFormation, so each reference becomes the ARN of an example.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import parliament
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
REGION, ACCOUNT = "us-east-1", "123456789012"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "jobs-example",
}
# The ARN of each type of resource that a policy names. {} is its logical ID.
ARNS = {
    "AWS::Events::EventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{{}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}
VARIABLE = re.compile(r"\$\{([\w:.]+)\}")

Template = dict[str, Any]
Policy = tuple[str, Template]


class NoManagedPolicies:
    """Tells SAM that no managed policy has to be looked up: it knows AWS's own."""

    def load(self) -> dict[str, str]:
        return {}


def expand(text: str) -> Template:
    """Returns the template that SAM makes of this one."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        # SAM expands what `aws cloudformation package` has uploaded.
        for name in {"CodeUri", "Location"} & resource.get("Properties", {}).keys():
            resource["Properties"][name] = "s3://bucket/key"
    expanded: Template = transform(template, {}, NoManagedPolicies())
    return expanded


def resolve(value: Any, arn: Callable[[str], str]) -> Any:
    """Replaces the references in a policy. `arn` returns the ARN of a resource."""

    def variable(name: str) -> str:
        resource, dot, _ = name.partition(".")
        return arn(resource) if dot else PSEUDO_PARAMETERS.get(name, name)

    match value:
        case {"Ref": name}:
            return PSEUDO_PARAMETERS.get(name, name)
        case {"Fn::GetAtt": [resource, "Arn" | "StreamArn" as attribute]}:
            return arn(resource) + ("/stream/*" if attribute == "StreamArn" else "")
        case {"Fn::Sub": str(pattern)}:
            return VARIABLE.sub(lambda found: variable(found[1]), pattern)
        case dict():
            return {name: resolve(part, arn) for name, part in value.items()}
        case list():
            return [resolve(part, arn) for part in value]
    return value


def policies(template: Template) -> Iterator[Policy]:
    """Yields the name and the document of each policy in an expanded template."""
    resources = template["Resources"]

    def arn(name: str) -> str:
        return ARNS[resources[name]["Type"]].format(name.lower())

    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if document := properties.get("PolicyDocument"):
            yield name, resolve(document, arn)
        for policy in properties.get("Policies", ()):
            # A conditional policy counts too.
            _, chosen, _ = policy.get("Fn::If", (None, policy, None))
            yield chosen["PolicyName"], resolve(chosen["PolicyDocument"], arn)


def findings(policy: Policy) -> Iterator[str]:
    """Yields what parliament finds in a policy."""
    name, document = policy
    for found in parliament.analyze_policy_string(json.dumps(document)).findings:
        title = parliament.enhance_finding(found).title
        yield f"error: {name}: {title}: {found.detail} {json.dumps(found.location)}"


def main() -> None:
    """Prints every finding, and fails if there is one."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    found = [line for policy in policies(expand(TEMPLATE.read_text())) for line in findings(policy)]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
