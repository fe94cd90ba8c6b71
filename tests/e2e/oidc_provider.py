"""An OIDC provider of the tests: panva's oidc-provider, over TLS with a certificate of its own.

`tools/oidc-provider` has its program and its lock file.
"""

import contextlib
import datetime
import ipaddress
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local import ROOT

TOOL = ROOT / "tools/oidc-provider"
INSTALL_TIMEOUT = 120  # seconds
START_TIMEOUT = 30  # seconds
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """The files of a server's certificate, its key, and the authority that has signed it."""

    certificate: Path
    key: Path
    authority: Path


def make_identity(folder: Path) -> Identity:
    """Writes a certificate for this machine, with an authority that nobody else trusts."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = named("Authority of the tests")
    authority = (
        builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        builder(named("localhost"), authority_name, key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    identity = Identity(folder / "server.pem", folder / "server.key", folder / "authority.pem")
    identity.authority.write_bytes(authority.public_bytes(pem))
    identity.certificate.write_bytes(certificate.public_bytes(pem))
    identity.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return identity


def named(name: str) -> x509.Name:
    """Returns the distinguished name with only a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Returns a certificate that is not signed yet, valid for this day."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )


@contextlib.contextmanager
def run_provider(
    folder: Path, identity: Identity, *, issuer: str, client_id: str, redirect_uri: str
) -> Iterator[None]:
    """Runs the provider at the address `issuer`, with one client."""
    subprocess.run(
        [ROOT / "scripts/npm_ci.sh", "tools/oidc-provider"],
        check=True,
        capture_output=True,
        timeout=INSTALL_TIMEOUT,
    )
    settings = {
        "issuer": issuer,
        "cert": str(identity.certificate),
        "key": str(identity.key),
        "clientId": client_id,
        "redirectUri": redirect_uri,
    }
    file = folder / "settings.json"
    file.write_text(json.dumps(settings))
    log = folder / "provider.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["node", TOOL / "provider.mjs", file],
            cwd=TOOL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout
    late = threading.Timer(START_TIMEOUT, process.kill)
    late.start()
    try:
        # Its warnings, that it is not meant for use in production, come first.
        assert "ready\n" in process.stdout, log.read_text()
        late.cancel()
        yield
    finally:
        late.cancel()
        process.terminate()
        process.wait()
        process.stdout.close()
