"""Tokens: who is let in, as whom, and who is not."""

import base64
import hashlib
import hmac
import json
import time
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from runtime import event, running, serving
from support import NOBODY, OWNER, User, someone
from local import SECRET  # scripts/local.py

REFUSED = (401, 403)
LATER = int(time.time()) + 3600


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def signed(claims, sign, **header):
    """A token with these claims and header; `sign` makes the signature."""
    body = ".".join(text(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{text(sign(body.encode()))}"


def shared(claims, secret=None, alg="HS256", digest=hashlib.sha256):
    """A token signed with the shared secret, or another."""
    key = SECRET.read_bytes() if secret is None else secret
    return signed(claims, lambda body: hmac.new(key, body, digest).digest(), alg=alg)


def status(bearer):
    return User(bearer=bearer).get("/api/jobs?limit=1").status


class SharedSecret(unittest.TestCase):
    """Through the deployed API."""

    def test_without_a_bearer_token_nobody_gets_in(self):
        self.assertEqual(NOBODY.get("/api/jobs").status, 401)
        token = shared({"sub": 7, "exp": LATER})
        for header in ("", "Bearer", "Bearer ", token, f"Basic {token}", f"Bearer {token} x"):
            with self.subTest(header):
                self.assertIn(NOBODY.get("/api/jobs", authorization=header).status, REFUSED)
        self.assertEqual(NOBODY.get("/api/jobs", authorization=f"bearer {token}").status, 200)

    def test_a_bad_signature_is_refused(self):
        good = shared({"sub": 7, "exp": LATER})
        self.assertEqual(status(good), 200)
        header, claims, signature = good.split(".")
        admin = text(json.dumps({"sub": 7, "exp": LATER, "role": "admin"}).encode())
        bad = (
            "nonsense", "a.b.c", f"{header}.{claims}", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}",
            f"{header}.{admin}.{signature}", shared({"sub": 7, "exp": LATER}, b"x" * 48),
            shared({"sub": 7, "exp": LATER}, b""),
        )
        for token in bad:
            with self.subTest(token):
                self.assertIn(status(token), REFUSED)

    def test_another_algorithm_is_refused(self):
        claims = {"sub": 7, "exp": LATER}
        for alg in ("none", "None", "NONE"):
            self.assertIn(status(signed(claims, lambda _: b"", alg=alg)), REFUSED)
            self.assertIn(status(shared(claims, alg=alg)), REFUSED)
        self.assertIn(status(shared(claims, alg="HS512", digest=hashlib.sha512)), REFUSED)
        self.assertIn(status(shared(claims, alg="RS256")), REFUSED)

    def test_a_token_has_its_time(self):
        now = int(time.time())
        for claims in ({"exp": now - 60}, {"exp": 0}, {}, {"exp": "soon"}, {"exp": None},
                       {"exp": LATER, "nbf": LATER - 60}):
            with self.subTest(claims):
                self.assertIn(status(shared({"sub": 7} | claims)), REFUSED)
        self.assertEqual(status(shared({"sub": 7, "exp": LATER, "nbf": now - 60})), 200)

    def test_the_user_is_an_integer_or_a_string_of_digits(self):
        user = someone()
        for sub in (user.id, str(user.id)):
            job = User(bearer=shared({"sub": sub, "exp": LATER})).draft()
            self.assertEqual(user.get(f"/api/jobs/{job}").body["created_by"], user.id)
        for sub in (None, "", "me", -7, 7.5, 0, 2**53, "7 or 1", [7], {"id": 7}, True):
            with self.subTest(sub=sub):
                self.assertIn(status(shared({"sub": sub, "exp": LATER})), REFUSED)
        self.assertIn(status(shared({"exp": LATER, "user_id": 7})), REFUSED)

    def test_an_admin_is_one_by_role_or_roles_and_by_nothing_else(self):
        job = OWNER.draft()
        sub = someone().id
        for claims, expected in (
            ({"role": "admin"}, 200), ({"roles": ["user", "admin"]}, 200), ({"roles": "admin"}, 200),
            ({"role": "user"}, 403), ({"role": "administrator"}, 403), ({"role": "ADMIN"}, 403),
            ({"roles": ["user"]}, 403), ({"role": True}, 403), ({"admin": True}, 403), ({}, 403),
        ):
            with self.subTest(claims):
                user = User(bearer=shared({"sub": sub, "exp": LATER} | claims))
                self.assertEqual(user.get(f"/api/jobs/{job}").status, expected)

    def test_a_browser_may_call_from_an_allowed_origin_only(self):
        for origin, allowed in (("http://localhost:3000", True), ("http://elsewhere.example", False)):
            asked = {"origin": origin, "access-control-request-method": "PATCH",
                     "access-control-request-headers": "authorization,content-type"}
            answer = NOBODY.call("OPTIONS", "/api/jobs", **asked)
            self.assertEqual(answer.headers.get("access-control-allow-origin"), origin if allowed else None)

    def test_health_needs_no_token(self):
        for user in (NOBODY, User(bearer="nonsense")):
            health = user.get("/health")
            self.assertEqual((health.status, health.body["status"]), (200, "ok"))
            self.assertRegex(health.body["version"], r"^\d+\.\d+\.\d+")


class Provider(unittest.TestCase):
    """An OIDC provider: the authorizer alone, with its parameters and a JWKS of the test's own."""

    @classmethod
    def setUpClass(cls):
        cls.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        cls.ec = ec.generate_private_key(ec.SECP256R1())
        cls.other = ec.generate_private_key(ec.SECP256R1())
        modulus, point = cls.rsa.public_key().public_numbers(), cls.ec.public_key().public_numbers()
        keys = [
            {"kty": "RSA", "kid": "r", "n": number(modulus.n), "e": number(modulus.e)},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": text(point.x.to_bytes(32)), "y": text(point.y.to_bytes(32))},
        ]
        body = json.dumps({"keys": keys}).encode()
        answer = (200, {"content-type": "application/json"}, body)
        server = cls.enterClassContext(serving(lambda *_: answer))
        cls.function = staticmethod(cls.enterClassContext(running(
            "authorize", TOKEN_SECRET_NAME=None, TOKEN_JWKS_URL=f"http://{server}/jwks", TOKEN_ISSUER="web",
            TOKEN_AUDIENCE="jobs", TOKEN_USER_CLAIM="uid", TOKEN_ROLE_CLAIM="groups",
        )))
        cls.claims = {"uid": 7, "exp": LATER, "iss": "web", "aud": ["jobs", "other"]}

    def of_rsa(self, claims, kid="r", alg="RS256"):
        return signed(claims, lambda body: self.rsa.sign(body, padding.PKCS1v15(), hashes.SHA256()), alg=alg, kid=kid)

    def of_ec(self, claims, kid="e", key=None, alg="ES256"):
        def sign(body):
            r, s = decode_dss_signature((key or self.ec).sign(body, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)

        return signed(claims, sign, alg=alg, kid=kid)

    def authorize(self, token):
        """Whom the authorizer lets in with this token: user and whether admin; None for nobody."""
        request = event("authorize")
        request["headers"]["authorization"] = f"Bearer {token}"
        answer = self.function(request)
        return (answer["context"]["user_id"], answer["context"]["admin"]) if answer["isAuthorized"] else None

    def test_tokens_of_both_kinds_of_key_are_taken(self):
        self.assertEqual(self.authorize(self.of_rsa(self.claims)), (7, False))
        self.assertEqual(self.authorize(self.of_ec(self.claims)), (7, False))
        self.assertEqual(self.authorize(self.of_ec(self.claims | {"groups": ["admin"]})), (7, True))

    def test_issuer_and_audience_are_checked(self):
        for change in ({"iss": "other"}, {"iss": None}, {"aud": "other"}, {"aud": []}, {"exp": 1}):
            with self.subTest(change):
                self.assertIsNone(self.authorize(self.of_rsa(self.claims | change)))
        for name in ("iss", "aud", "exp", "uid"):
            with self.subTest(without=name):
                claims = {key: value for key, value in self.claims.items() if key != name}
                self.assertIsNone(self.authorize(self.of_rsa(claims)))

    def test_a_key_is_used_for_what_it_is_and_nothing_else(self):
        public = number(self.rsa.public_key().public_numbers().n).encode()
        confused = (
            self.of_rsa(self.claims, kid="e"), self.of_ec(self.claims, kid="r"), self.of_rsa(self.claims, kid="none"),
            self.of_ec(self.claims, key=self.other), self.of_rsa(self.claims, alg="HS256"),
            signed(self.claims, lambda body: hmac.new(public, body, hashlib.sha256).digest(), alg="HS256", kid="r"),
            signed(self.claims, lambda _: b"", alg="none", kid="r"),
            shared(self.claims),
        )
        for token in confused:
            with self.subTest(token):
                self.assertIsNone(self.authorize(token))


if __name__ == "__main__":
    unittest.main(verbosity=2)
