"""S3 as the processor sees it, on files in a folder: what a benchmark of large files needs.

The local AWS holds objects in memory; here a file of gigabytes is read and written as S3 would,
over HTTP, by ranges and parts, and neither side ever has it whole.
"""

import contextlib
import hashlib
import http.server
import itertools
import os
import re
import shutil
import threading
import urllib.parse
from pathlib import Path

BLOCK = 1 << 20


class Folder:
    """Objects are files whose names are their keys, quoted; uploads are such files, not finished."""

    def __init__(self, root):
        self.root, self.uploads, self.numbers = Path(root), {}, itertools.count(1)

    def path(self, key):
        return self.root / urllib.parse.quote(key, safe="")

    def keys(self, prefix):
        keys = (urllib.parse.unquote(path.name) for path in self.root.iterdir())
        return sorted(key for key in keys if key.startswith(prefix) and not key.startswith("upload "))

    def begin(self):
        number = str(next(self.numbers))
        self.uploads[number] = {}
        return number

    def part(self, upload, number):
        return self.path(f"upload {upload} {number}")

    def complete(self, upload, key):
        """The first part grows by the others, each of which is gone when it has been added."""
        parts = [self.part(upload, number) for number in sorted(self.uploads.pop(upload))]
        with parts[0].open("ab") as whole:
            for part in parts[1:]:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, whole, BLOCK)
                part.unlink()
        parts[0].rename(self.path(key))

    def abort(self, upload):
        for number in self.uploads.pop(upload, {}):
            self.part(upload, number).unlink(missing_ok=True)


def e_tag(path):
    """Changes whenever the file does."""
    state = path.stat()
    return f'"{hashlib.md5(f"{state.st_ino} {state.st_mtime_ns} {state.st_size}".encode()).hexdigest()}"'


class Handler(http.server.BaseHTTPRequestHandler):
    """The operations of S3 that the processor calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def target(self):
        url = urllib.parse.urlsplit(self.path)
        _, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        return key, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))

    def answer(self, status=200, body="", **headers):
        content = body.encode()
        self.send_response(status)
        for name, value in ({"content-length": len(content), "content-type": "application/xml"} | headers).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def error(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")

    def do_GET(self):
        key, query = self.target()
        if not key:
            return self.list(query.get("prefix", ""))
        path = self.server.folder.path(key)
        if not path.exists():
            return self.error(404, "NoSuchKey")
        if self.headers.get("if-match", e_tag(path)) != e_tag(path):
            return self.error(412, "PreconditionFailed")
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"]).groups())
        last = min(last, path.stat().st_size - 1)
        self.send_response(206)
        self.send_header("content-length", str(last - first + 1))
        self.send_header("content-range", f"bytes {first}-{last}/{path.stat().st_size}")
        self.send_header("etag", e_tag(path))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as file:
            while first <= last:
                first += os.sendfile(self.connection.fileno(), file.fileno(), first, last - first + 1)

    def list(self, prefix):
        folder = self.server.folder
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote(key)}</Key><Size>{folder.path(key).stat().st_size}</Size>"
            f"<ETag>{e_tag(folder.path(key)).replace(chr(34), '&quot;')}</ETag></Contents>"
            for key in folder.keys(prefix)
        )
        self.answer(body=f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")

    def do_PUT(self):
        key, query = self.target()
        folder = self.server.folder
        path = folder.path(key)
        if upload := query.get("uploadId"):
            number = int(query["partNumber"])
            folder.uploads[upload][number] = True
            path = folder.part(upload, number)
        left = int(self.headers["content-length"])
        with path.open("wb") as file:
            while left:
                block = self.rfile.read(min(BLOCK, left))
                file.write(block)
                left -= len(block)
        self.answer(etag=e_tag(path))

    def do_POST(self):
        key, query = self.target()
        folder = self.server.folder
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if "uploads" in query:
            id = folder.begin()
            return self.answer(
                body=f"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            )
        folder.complete(query["uploadId"], key)
        self.answer(body="<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")

    def do_DELETE(self):
        key, query = self.target()
        if upload := query.get("uploadId"):
            self.server.folder.abort(upload)
        else:
            self.server.folder.path(key).unlink(missing_ok=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(root):
    """Serves the files in `root`; gives the folder and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.folder = True, Folder(root)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.folder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
