"""Tokens of an OIDC provider: the authorizer alone, with parameters and keys of the test's own."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from runtime import Function, run_function, sample_event, serve
from signing import encode, encode_number, make_token, shared_secret_token
from stack import Stack

# One authorizer and one set of keys serve all these tests.
pytestmark = [pytest.mark.local, pytest.mark.xdist_group("oidc")]

Claims = dict[str, Any]


class Provider:
    """A provider of tokens with an RSA key `r` and an EC key `e`."""

    def __init__(self) -> None:
        self.rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec_key = ec.generate_private_key(ec.SECP256R1())
        self.claims: Claims = {
            "uid": 7,
            "exp": int(time.time()) + 3600,
            "iss": "web",
            "aud": ["jobs", "other"],
        }

    @property
    def modulus(self) -> str:
        """The RSA key's modulus, as the key set has it."""
        return encode_number(self.rsa_key.public_key().public_numbers().n)

    def key_set(self) -> bytes:
        """Returns the JSON Web Key Set that the provider publishes."""
        exponent = self.rsa_key.public_key().public_numbers().e
        point = self.ec_key.public_key().public_numbers()
        x, y = encode(point.x.to_bytes(32)), encode(point.y.to_bytes(32))
        keys = [
            {"kty": "RSA", "kid": "r", "n": self.modulus, "e": encode_number(exponent)},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": x, "y": y},
        ]
        return json.dumps({"keys": keys}).encode()

    def rsa_token(self, claims: Claims, kid: str = "r", alg: str = "RS256") -> str:
        """Returns a token signed with the RSA key."""

        def sign(body: bytes) -> bytes:
            return self.rsa_key.sign(body, padding.PKCS1v15(), hashes.SHA256())

        return make_token(claims, sign, alg=alg, kid=kid)

    def ec_token(
        self, claims: Claims, kid: str = "e", key: ec.EllipticCurvePrivateKey | None = None
    ) -> str:
        """Returns a token signed with the EC key, or with another."""

        def sign(body: bytes) -> bytes:
            r, s = decode_dss_signature((key or self.ec_key).sign(body, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)

        return make_token(claims, sign, alg="ES256", kid=kid)

    def confused_tokens(self) -> dict[str, str]:
        """Returns tokens that use a key for a purpose, or under a name, that is not its own."""
        public = self.modulus.encode()
        return {
            "RSA under the EC key's name": self.rsa_token(self.claims, kid="e"),
            "EC under the RSA key's name": self.ec_token(self.claims, kid="r"),
            "unknown name": self.rsa_token(self.claims, kid="none"),
            "unknown key": self.ec_token(self.claims, key=ec.generate_private_key(ec.SECP256R1())),
            "RSA signature as HS256": self.rsa_token(self.claims, alg="HS256"),
            "HS256 with the public key": make_token(
                self.claims,
                lambda body: hmac.new(public, body, hashlib.sha256).digest(),
                alg="HS256",
                kid="r",
            ),
            "no signature": make_token(self.claims, lambda _: b"", alg="none", kid="r"),
            "shared secret": shared_secret_token(self.claims),
        }


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="module")
def authorizer(stack: Stack, provider: Provider) -> Iterator[Function]:
    """The authorizer, with the provider's key set."""
    answer = (200, {"content-type": "application/json"}, provider.key_set())
    with (
        serve(lambda *_: answer) as address,
        run_function(
            stack,
            "authorize",
            TOKEN_SECRET_NAME=None,
            TOKEN_JWKS_URL=f"{address}/jwks",
            TOKEN_ISSUER="web",
            TOKEN_AUDIENCE="jobs",
            TOKEN_USER_CLAIM="uid",
            TOKEN_ROLE_CLAIM="groups",
        ) as function,
    ):
        yield function


def authorize(authorizer: Function, token: str) -> tuple[int, bool] | None:
    """Returns the user of a token and whether they are an admin; None if it is rejected."""
    request = sample_event("authorize")
    request["headers"]["authorization"] = f"Bearer {token}"
    answer = authorizer.invoke(request)
    context = answer["context"]
    return (int(context["user_id"]), context["admin"]) if answer["isAuthorized"] else None


def test_rsa_and_ec_keys_are_accepted(authorizer: Function, provider: Provider) -> None:
    assert authorize(authorizer, provider.rsa_token(provider.claims)) == (7, False)
    assert authorize(authorizer, provider.ec_token(provider.claims)) == (7, False)
    admin = provider.ec_token(provider.claims | {"groups": ["admin"]})
    assert authorize(authorizer, admin) == (7, True)


@pytest.mark.parametrize(
    "change",
    [{"iss": "other"}, {"iss": None}, {"aud": "other"}, {"aud": []}, {"exp": 1}],
    ids=str,
)
def test_wrong_claim_is_rejected(authorizer: Function, provider: Provider, change: Claims) -> None:
    assert authorize(authorizer, provider.rsa_token(provider.claims | change)) is None


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "uid"])
def test_missing_claim_is_rejected(authorizer: Function, provider: Provider, missing: str) -> None:
    claims = {name: claim for name, claim in provider.claims.items() if name != missing}
    assert authorize(authorizer, provider.rsa_token(claims)) is None


@pytest.mark.parametrize(
    "confusion",
    [
        "RSA under the EC key's name",
        "EC under the RSA key's name",
        "unknown name",
        "unknown key",
        "RSA signature as HS256",
        "HS256 with the public key",
        "no signature",
        "shared secret",
    ],
)
def test_key_is_accepted_only_for_its_own_purpose(
    authorizer: Function, provider: Provider, confusion: str
) -> None:
    assert authorize(authorizer, provider.confused_tokens()[confusion]) is None
