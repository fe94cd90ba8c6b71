"""'make run': takes a file through the whole system as a user would, over HTTP only."""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import read_env
from sample_epub import sample_epub
from tokens import token

API = read_env()["API_URL"]
TOKEN = token(7)
FINAL = ("completed", "failed", "cancelled")


def fail(message):
    sys.exit(f"\nerror: {message}")


def call(method, path, body=None):
    request = urllib.request.Request(
        API + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        fail(f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')}")
    except OSError as error:
        fail(f"{method} {path}: {error}; is the local system up ('make up')?")


def upload(release, name, content):
    wanted = call("POST", f"/api/releases/{release}/files", {"path": name, "size": len(content)})["upload"]
    # urllib would add a content type of its own, which nobody signed.
    headers = {"Content-Type": "application/octet-stream"} | wanted["headers"]
    request = urllib.request.Request(wanted["url"], method=wanted["method"], data=content, headers=headers)
    try:
        urllib.request.urlopen(request, timeout=300).close()
    except urllib.error.HTTPError as error:
        fail(f"the upload was refused with {error.code}: {error.read().decode(errors='replace')}")


def run_job(release, job_type, config):
    body = {"job_type": job_type, "release_id": release, "config_json": config}
    job = call("POST", "/api/jobs", body)["id"]
    print(f"\n{job_type}: job {job}")
    cursor, shown, deadline = "", None, time.monotonic() + 300
    while True:
        status = call("GET", f"/api/jobs/{job}/status")
        now = (status["status"], status["progress"], status["step"])
        if now != shown:
            shown = now
            print(f"  {status['progress']:>3} %  {status['status']:<9}  {status['step'] or ''}")
        page = call("GET", f"/api/jobs/{job}/logs" + (f"?after={cursor}" if cursor else ""))
        cursor = page["next_cursor"]
        for entry in page["logs"]:
            print(f"         {entry['timestamp']} [{entry['level']}] {entry['message']}")
        if status["status"] in FINAL and page["finished"]:
            break
        if time.monotonic() > deadline:
            fail(f"job {job} is still {status['status']} after five minutes; see .local/ministack.log")
        time.sleep(0.2)
    if status["status"] != "completed":
        error = status["error"] or {}
        fail(f"the {job_type} job is {status['status']}: {error.get('code')}: {error.get('message')}")
    return call("GET", f"/api/jobs/{job}")


def show_files(release):
    print("\nFinished files:")
    for file in call("GET", f"/api/releases/{release}/files")["files"]:
        url = file["url"] if len(file["url"]) <= 100 else file["url"][:97] + "..."
        print(f"  {file['size']:>10}  {file['path']}\n              {url}")


def show_what_to_try(release, job):
    print(f"""
The system is running; 'make down' stops it.

  export API={API}
  export USER7={TOKEN}
  export ADMIN={token(1, "admin")}

  curl -s $API/health
  curl -s $API/api/jobs -H "Authorization: Bearer $USER7"
  curl -s "$API/api/jobs?status=completed&limit=5" -H "Authorization: Bearer $ADMIN"
  curl -s $API/api/jobs/{job}/logs -H "Authorization: Bearer $USER7" -H 'Accept: text/plain'
  curl -s -X POST $API/api/jobs -H "Authorization: Bearer $USER7" \\
    -H 'Content-Type: application/json' -d '{{"job_type": "packaging", "release_id": {release}}}'
""")


def main():
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if given and not given.is_file():
        fail(f"there is no file {given}")
    name, content = (given.name, given.read_bytes()) if given else ("lighthouse.epub", sample_epub())

    release = call("POST", "/api/releases", {"release_type": "ebook", "group": "DEMO"})["id"]
    print(f"Release {release} created; uploading {name} ({len(content)} bytes).")
    upload(release, name, content)
    analysis = run_job(release, "analysis", {})
    print("\n  found: " + json.dumps(analysis["result"]["metadata"], ensure_ascii=False))
    job = run_job(release, "packaging", {})["id"]
    show_files(release)
    show_what_to_try(release, job)


if __name__ == "__main__":
    main()
