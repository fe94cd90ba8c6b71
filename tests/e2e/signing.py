"""Tokens with any claims, header and signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from local import SECRET


def encode(data: bytes) -> str:
    """Encodes a part of a token: base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_number(value: int) -> str:
    """Encodes a number of a JSON Web Key."""
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def make_token(claims: dict[str, Any], sign: Callable[[bytes], bytes], **header: str) -> str:
    """Returns a token with these claims and this header; `sign` makes the signature."""
    body = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{encode(sign(body.encode()))}"


def shared_secret_token(
    claims: dict[str, Any],
    secret: bytes | None = None,
    alg: str = "HS256",
    digest: Callable[..., Any] = hashlib.sha256,
) -> str:
    """Returns a token signed with the secret of the local system, or with another."""
    key = SECRET.read_bytes() if secret is None else secret
    return make_token(claims, lambda body: hmac.new(key, body, digest).digest(), alg=alg)
