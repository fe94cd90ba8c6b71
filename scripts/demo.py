"""Packages a file on the local system as a user would, over HTTP: demo.py [FILE]."""

import io
import json
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
from local import read_env  # noqa: E402
from tokens import token  # noqa: E402

API = read_env()["API_URL"]
USER = token(7)


def sample():
    """A small, valid EPUB 3."""
    container = (
        '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>"
    )
    opf = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:isbn:9783161484100'
        "</dc:identifier><dc:title>A Sample Book</dc:title><dc:creator>Jane Doe</dc:creator><dc:language>en"
        "</dc:language><dc:publisher>Sample Press</dc:publisher><dc:date>2024-05-01</dc:date>"
        '<meta property="dcterms:modified">2024-05-01T00:00:00Z</meta></metadata><manifest>'
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="c2" href="c2.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c1"/><itemref idref="c2"/></spine></package>'
    )
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body>{1}</body></html>'
    nav = '<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol><li><a href="c1.xhtml">One</a></li><li><a href="c2.xhtml">Two</a></li></ol></nav>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", container)
        book.writestr("OEBPS/book.opf", opf)
        book.writestr("OEBPS/nav.xhtml", page.format("Contents", nav))
        for number in (1, 2):
            text = f"<h1>Chapter {number}</h1>" + "<p>Some words of a story.</p>" * 200
            book.writestr(f"OEBPS/c{number}.xhtml", page.format(f"Chapter {number}", text))
    return data.getvalue()


def call(method, path, body=None):
    request = urllib.request.Request(
        API + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {USER}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {method} {path}: {error.code} {error.read().decode(errors='replace')}")


def upload(release, path, data):
    upload = call("POST", f"/api/releases/{release}/files", {"path": path, "size": len(data)})["upload"]
    request = urllib.request.Request(upload["url"], method="PUT", data=data, headers=upload["headers"])
    urllib.request.urlopen(request, timeout=300).close()


def follow(job):
    """Shows the log and the progress of a job until its end."""
    cursor, shown = "0", None
    while True:
        page = call("GET", f"/api/jobs/{job}/logs?after={cursor}")
        cursor = page["next_cursor"]
        for line in page["logs"]:
            print(f"  {line['timestamp']} [{line['level']}] {line['message']}")
        status = call("GET", f"/api/jobs/{job}/status")
        now = (status["status"], status["progress"])
        if now != shown:
            print(f"  -- {now[0]} {now[1]} %")
            shown = now
        if page["finished"]:
            if status["status"] != "completed":
                sys.exit(f"error: job {job} {status['status']}: {status['error']}")
            return
        time.sleep(0.3)


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if path and not path.is_file():
        sys.exit(f"error: {path} is no file")
    name, data = (path.name, path.read_bytes()) if path else ("sample.epub", sample())
    release = call("POST", "/api/releases", {"release_type": "ebook", "name": name, "group": "DEMO"})["id"]
    print(f"Release {release}: uploading {name}, {len(data)} bytes")
    upload(release, name, data)
    for job_type in ("analysis", "packaging"):
        job = call("POST", "/api/jobs", {"job_type": job_type, "release_id": release})["id"]
        print(f"{job_type}: job {job}")
        follow(job)
    print("Files:")
    for file in call("GET", f"/api/releases/{release}/files")["files"]:
        print(f"  {file['size']:>10}  {file['path']}\n              {file['url'][:100]}...")
    print(f"\nThe system is running at {API}\nUser 7:  {USER}\nAdmin 1: {token(1, 'admin')}\n\nTry:")
    bearer = '-H "Authorization: Bearer $(make -s token USER=7)"'
    for line in (
        f"curl -s {API}/health",
        f"curl -s {bearer} '{API}/api/jobs?limit=5'",
        f"curl -s {bearer} {API}/api/jobs/{job}",
        f"curl -s {bearer} -H 'Accept: text/plain' {API}/api/jobs/{job}/logs",
        f"curl -s {bearer} {API}/api/releases/{release}/files",
    ):
        print(f"  {line}")


main()
