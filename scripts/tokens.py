"""Prints a token for the local system: tokens.py USER [ROLE]. It is good for a day."""

import base64
import hashlib
import hmac
import json
import sys
import time

from local import SECRET


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user, role=None, lifetime=24 * 60 * 60):
    if not SECRET.exists():
        sys.exit("error: the local system is not up: 'make up' first")
    claims = {"sub": user, "exp": int(time.time()) + lifetime} | ({"role": role} if role else {})
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(SECRET.read_bytes(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, encoded(signature)]).decode()


if __name__ == "__main__":
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.exit("error: USER must be a number: make -s token USER=7")
    print(token(int(sys.argv[1]), *sys.argv[2:3]))
