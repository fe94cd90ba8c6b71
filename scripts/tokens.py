"""Signs tokens for the local system with its secret. `make token` prints one."""

import argparse
import base64
import hashlib
import hmac
import json
import sys
import time

from local import SECRET

LIFETIME = 24 * 60 * 60  # seconds


def encode(data: bytes) -> bytes:
    """Encodes a part of a token: base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user_id: int, role: str | None = None) -> str:
    """Returns a token that is valid for a day."""
    if not SECRET.exists():
        sys.exit("error: the local system is not up; run 'make up' first")
    claims = {"sub": user_id, "exp": int(time.time()) + LIFETIME}
    header = {"alg": "HS256", "typ": "JWT"}
    parts = [
        encode(json.dumps(part).encode())
        for part in (header, claims | ({"role": role} if role else {}))
    ]
    signature = hmac.new(SECRET.read_bytes(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, encode(signature)]).decode()


def main() -> None:
    """Prints a token for the user and role on the command line."""
    parser = argparse.ArgumentParser(description="Print a token for the local system.")
    parser.add_argument("user", type=int, help="id of the user")
    parser.add_argument("role", nargs="?", help="'admin', or none")
    arguments = parser.parse_args()
    print(token(arguments.user, arguments.role))


if __name__ == "__main__":
    main()
