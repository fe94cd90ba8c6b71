"""Sessions of roles that exist for one test only, on the local AWS."""

import contextlib
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from local import REGION
from stack import Stack

ACCOUNT = "arn:aws:iam::000000000000:root"


@contextlib.contextmanager
def session_with(
    stack: Stack, prefix: str, policies: Mapping[str, object]
) -> Iterator[boto3.Session]:
    """Yields a session with these policies, by name, in a role that this account may take."""
    iam: Any = stack.session.client("iam", endpoint_url=stack.endpoint_url)
    sts = stack.session.client("sts", endpoint_url=stack.endpoint_url)
    name = f"{prefix}-{random.randrange(10**9)}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    for policy, document in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    key = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    try:
        yield boto3.Session(
            key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name=REGION
        )
    finally:
        for policy in policies:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
