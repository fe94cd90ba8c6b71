"""An S3 server that keeps its objects as files in a folder, for benchmarks of large files.

The local AWS holds objects in memory. Here a file of gigabytes is read and written over HTTP by
ranges and parts, as with S3, and neither side ever has all of it in memory. The server counts the
requests of each class of S3's price list. It can be as slow as S3: see `S3_LINK`.
"""

import collections
import contextlib
import hashlib
import http.server
import itertools
import os
import re
import shutil
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = 1 << 20
BACKLOG = 128  # connections that wait to be accepted: a client may open several at once
# The classes of requests in S3's price list. DeleteObject and AbortMultipartUpload are free.
PUT_CLASS, GET_CLASS, FREE = "PUT, COPY, POST, LIST", "GET", "free"


class Link(NamedTuple):
    """The limits of each connection to the server."""

    bytes_per_second: float  # in both directions together
    latency: float  # seconds before the first byte of an answer


# AWS advises a concurrent request for each 85 to 90 MB/s:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
# The latency is assumed, for a function in the same region. AWS names 100 to 200 ms.
S3_LINK = Link(bytes_per_second=90e6, latency=0.03)
FULL_SPEED = Link(bytes_per_second=float("inf"), latency=0)


class Pace:
    """Keeps a connection at the speed of its link: a token bucket that holds one block."""

    def __init__(self, link: Link) -> None:
        self.block_seconds = BLOCK / link.bytes_per_second
        self.due = time.monotonic()  # when the blocks so far may have passed

    def wait(self, size: int) -> None:
        """Sleeps until `size` more bytes may have passed."""
        now = time.monotonic()
        self.due = max(self.due, now - self.block_seconds) + size / BLOCK * self.block_seconds
        if self.due > now:
            time.sleep(self.due - now)


class Folder:
    """Objects and parts of uploads are files, named by their quoted keys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads: dict[str, set[int]] = {}  # the numbers of the parts
        self.numbers = itertools.count(1)
        self.requests: collections.Counter[str] = collections.Counter()  # by class

    def path(self, key: str) -> Path:
        """Returns the file of an object."""
        return self.root / urllib.parse.quote(key, safe="")

    def keys(self, prefix: str) -> list[str]:
        """Returns the keys of the objects below a prefix."""
        keys = (urllib.parse.unquote(path.name) for path in self.root.iterdir())
        return sorted(
            key for key in keys if key.startswith(prefix) and not key.startswith("upload ")
        )

    def begin(self) -> str:
        """Begins an upload; returns its id."""
        upload = str(next(self.numbers))
        self.uploads[upload] = set()
        return upload

    def part(self, upload: str, number: int) -> Path:
        """Returns the file of a part."""
        return self.path(f"upload {upload} {number}")

    def complete(self, upload: str, key: str) -> None:
        """Completes an upload: appends the other parts to the first, and removes them."""
        first, *others = [self.part(upload, number) for number in sorted(self.uploads.pop(upload))]
        with first.open("ab") as whole:
            for part in others:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, whole, BLOCK)
                part.unlink()
        first.rename(self.path(key))

    def abort(self, upload: str) -> None:
        """Removes the parts of an upload."""
        for number in self.uploads.pop(upload, set()):
            self.part(upload, number).unlink(missing_ok=True)


def e_tag(path: Path) -> str:
    """Returns a tag that changes whenever the file does."""
    state = path.stat()
    version = f"{state.st_ino} {state.st_mtime_ns} {state.st_size}".encode()
    return f'"{hashlib.sha256(version).hexdigest()}"'


class Server(http.server.ThreadingHTTPServer):
    """Serves the objects of a folder."""

    daemon_threads = True
    request_queue_size = BACKLOG

    def __init__(self, folder: Folder, link: Link) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.link = link

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores the lost connection of a client that needs no more of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    """The operations of S3 that the processor calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Begins a connection."""
        super().setup()
        self.pace = Pace(self.server.link)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Counts the request, and begins its answer after the latency of the link."""
        self.server.folder.requests[self.request_class()] += 1
        time.sleep(self.server.link.latency)
        super().send_response(code, message)

    def request_class(self) -> str:
        """Returns the class of the request in S3's price list. A GET of the bucket is a LIST."""
        if self.command == "DELETE":
            return FREE
        key, _ = self.target()
        return GET_CLASS if self.command in ("GET", "HEAD") and key else PUT_CLASS

    def target(self) -> tuple[str, dict[str, str]]:
        """Returns the key and the query of the request."""
        url = urllib.parse.urlsplit(self.path)
        _, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        return key, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))

    def answer(self, status: int = 200, body: str = "", **headers: str) -> None:
        """Sends an answer with a body of XML."""
        content = body.encode()
        self.send_response(status)
        fixed = {"content-length": str(len(content)), "content-type": "application/xml"}
        for name, value in (fixed | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def refuse(self, status: int, code: str) -> None:
        """Sends an error."""
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")

    def do_GET(self) -> None:
        """ListObjectsV2 and GetObject, the latter always of a range."""
        key, query = self.target()
        path = self.server.folder.path(key)
        if not key:
            self.list_objects(query.get("prefix", ""))
        elif not path.exists():
            self.refuse(404, "NoSuchKey")
        elif self.headers.get("if-match", e_tag(path)) != e_tag(path):
            self.refuse(412, "PreconditionFailed")
        else:
            self.send_range(path)

    def send_range(self, path: Path) -> None:
        """Sends the range of a file that the request asks for."""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"])
        assert wanted, self.headers["range"]
        size = path.stat().st_size
        first, last = int(wanted[1]), min(int(wanted[2]), size - 1)
        self.send_response(206)
        self.send_header("content-length", str(last - first + 1))
        self.send_header("content-range", f"bytes {first}-{last}/{size}")
        self.send_header("etag", e_tag(path))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as file:
            while first <= last:
                block = min(BLOCK, last - first + 1)
                sent = os.sendfile(self.connection.fileno(), file.fileno(), first, block)
                self.pace.wait(sent)
                first += sent

    def list_objects(self, prefix: str) -> None:
        """Lists the objects below a prefix, all on one page."""
        folder = self.server.folder
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote(key)}</Key>"
            f"<Size>{folder.path(key).stat().st_size}</Size>"
            f"<ETag>{e_tag(folder.path(key)).replace(chr(34), '&quot;')}</ETag></Contents>"
            for key in folder.keys(prefix)
        )
        is_whole = "<IsTruncated>false</IsTruncated>"
        self.answer(body=f"<ListBucketResult>{is_whole}{contents}</ListBucketResult>")

    def do_PUT(self) -> None:
        """PutObject and UploadPart."""
        if "x-amz-copy-source" in self.headers:
            self.refuse(501, "NotImplemented")
            return
        key, query = self.target()
        folder = self.server.folder
        path = folder.path(key)
        if upload := query.get("uploadId"):
            number = int(query["partNumber"])
            folder.uploads[upload].add(number)
            path = folder.part(upload, number)
        self.receive(path)
        self.answer(etag=e_tag(path))

    def receive(self, path: Path) -> None:
        """Writes the body of the request to a file."""
        left = int(self.headers["content-length"])
        block = memoryview(bytearray(min(BLOCK, left)))
        with path.open("wb", buffering=0) as file:
            while left:
                size = self.rfile.readinto(block[:left])
                if not size:
                    raise ConnectionError("the body has ended early")
                file.write(block[:size])
                self.pace.wait(size)
                left -= size

    def do_POST(self) -> None:
        """CreateMultipartUpload and CompleteMultipartUpload."""
        key, query = self.target()
        folder = self.server.folder
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if "uploads" in query:
            tag, content = "InitiateMultipartUploadResult", f"<UploadId>{folder.begin()}</UploadId>"
        else:
            tag, content = "CompleteMultipartUploadResult", ""
            folder.complete(query["uploadId"], key)
        self.answer(body=f"<{tag}>{content}</{tag}>")

    def do_DELETE(self) -> None:
        """AbortMultipartUpload and DeleteObject."""
        key, query = self.target()
        if upload := query.get("uploadId"):
            self.server.folder.abort(upload)
        else:
            self.server.folder.path(key).unlink(missing_ok=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@contextlib.contextmanager
def serve(root: Path, link: Link = FULL_SPEED) -> Iterator[tuple[Folder, str]]:
    """Serves the files in `root` over a link; yields the folder and its address."""
    server = Server(Folder(root), link)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.folder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
