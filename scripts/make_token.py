"""make_token.py USER [ROLE]: prints a JWT of the local system (HS256), good for a day."""

import base64
import hashlib
import hmac
import json
import sys
import time
from pathlib import Path

SECRET = Path(__file__).resolve().parent.parent / ".local" / "token-secret"


def make_token(user, role=""):
    if not SECRET.exists():
        sys.exit("error: the local system has no secret yet: 'make up' first")
    now = int(time.time())
    claims = {"sub": str(user), "iat": now, "exp": now + 86400} | ({"role": role} if role else {})
    signed = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(SECRET.read_bytes(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(signature)}"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    print(make_token(*sys.argv[1:3]))
