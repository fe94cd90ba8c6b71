"""Packages, checked with tools other than the project's own."""

import hashlib
import io
import random
import zipfile
import zlib
from typing import Any

from api import User
from samples import RELEASE_NAME

Package = dict[str, bytes]

SOURCES = {
    "book.bin": random.Random(1).randbytes(300_000),
    "art/cover é.txt": b"cover\r\n" * 1_000,
    "art/日本.txt": "日本".encode(),
    "empty.txt": b"",
}


def crc32(data: bytes) -> str:
    """Returns the checksum of a file in the format of an SFV."""
    return f"{zlib.crc32(data):08X}"


def make_package(user: User, release: int, job_type: str = "packaging", **config: Any) -> Package:
    """Runs a job that builds a package, checks its result, and returns the package."""
    job = user.run_job(job_type=job_type, release_id=release, config_json=config)
    assert job["status"] == "completed", job["error"]
    package = user.files(release, "package/")
    expected = [
        {
            "path": path,
            "size": len(data),
            "crc32": crc32(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for path, data in sorted(package.items())
    ]
    assert sorted(job["result"]["files"], key=lambda file: file["path"]) == expected
    assert job["result"]["total_size"] == sum(map(len, package.values()))
    return package


def join_volumes(package: Package, name: str = RELEASE_NAME) -> bytes:
    """Returns the archive of a package; joins its volumes."""
    parts = sorted(path for path in package if path.startswith(f"{name}.zip"))
    return b"".join(package[path] for path in parts)


def unzip(archive: bytes) -> dict[str, bytes]:
    """Reads the files of an archive with Python, which checks the CRC-32 of each."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {entry.filename: opened.read(entry) for entry in opened.infolist()}


def zip_files(files: dict[str, str]) -> bytes:
    """Writes an archive of texts with Python."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for path, content in files.items():
            opened.writestr(path, content)
    return archive.getvalue()


def assert_sfv_is_correct(package: Package, name: str = RELEASE_NAME) -> None:
    """Checks that the SFV lists every other file of a package with its CRC-32."""
    lines = package[f"{name}.sfv"].decode("ascii").splitlines()
    listed = dict(line.rsplit(" ", 1) for line in lines if not line.startswith(";"))
    sums = {path: crc32(data) for path, data in package.items() if not path.endswith(".sfv")}
    assert listed == sums
