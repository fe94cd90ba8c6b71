"""Signs tokens with the shared secret of the local system, or of a deployed one.

`make token` prints one for the local system. For a deployed one, it uses the AWS credentials and
the region of the environment.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping

from aws_cli import aws
from local import SECRET

LIFETIME = 24 * 60 * 60  # seconds


def encode(data: bytes) -> bytes:
    """Encodes a part of a token: base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sign(claims: Mapping[str, object], secret: bytes) -> str:
    """Returns a token with these claims."""
    header = {"alg": "HS256", "typ": "JWT"}
    parts = [encode(json.dumps(part).encode()) for part in (header, dict(claims))]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, encode(signature)]).decode()


def claims_of(user_id: int, role: str | None, lifetime: int = LIFETIME) -> dict[str, object]:
    """Returns the claims of a user's token that is valid for `lifetime` seconds."""
    claims: dict[str, object] = {"sub": user_id, "exp": int(time.time()) + lifetime}
    return claims | ({"role": role} if role else {})


def local_secret() -> bytes:
    """Returns the secret of the local system; ends the process if it is not up."""
    if not SECRET.exists():
        sys.exit("error: the local system is not up; run 'make up' first")
    return SECRET.read_bytes()


def deployed_secret(name: str) -> bytes:
    """Returns a secret of Secrets Manager."""
    found = aws("secretsmanager", "get-secret-value", "--secret-id", name)
    return str(found["SecretString"]).encode()


def token(user_id: int, role: str | None = None, secret: bytes | None = None) -> str:
    """Returns a token that is valid for a day. The default `secret` is that of the local system."""
    return sign(claims_of(user_id, role), secret or local_secret())


def main() -> None:
    """Prints a token for the user and role on the command line."""
    parser = argparse.ArgumentParser(description="Print a token signed with the shared secret.")
    parser.add_argument("user", type=int, help="id of the user")
    parser.add_argument("role", nargs="?", help="'admin', or none")
    parser.add_argument("--secret-name", help="secret in Secrets Manager, not the local one")
    parser.add_argument("--minutes", type=int, default=LIFETIME // 60, help="lifetime")
    parser.add_argument("--claim", action="append", default=[], help="another claim: iss=my-issuer")
    given = parser.parse_args()
    secret = deployed_secret(given.secret_name) if given.secret_name else local_secret()
    claims = claims_of(given.user, given.role, given.minutes * 60)
    print(sign(claims | dict(claim.split("=", 1) for claim in given.claim), secret))


if __name__ == "__main__":
    main()
