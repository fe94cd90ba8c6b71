"""Takes a file through the whole system like a user, over HTTP only.

`make run` does so on the local system; `--api` and `--token` name a deployed one.
"""

import argparse
import json
import shlex
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

from local import ROOT, read_env
from sample_epub import sample_epub
from tokens import token

FINAL = ("completed", "failed", "cancelled")
REQUEST_TIMEOUT = 60  # seconds
UPLOAD_TIMEOUT = 300
JOB_TIMEOUT = 300
POLL_INTERVAL = 0.2
CLIENT = shlex.quote(str(ROOT / "target/local/jobs"))  # `make build` builds it
MAX_URL_LENGTH = 100  # of a printed URL


def fail(message: str) -> NoReturn:
    """Ends the demonstration with an error."""
    sys.exit(f"\nerror: {message}")


class Api:
    """The API, as one user calls it."""

    def __init__(self, url: str, bearer: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Sends a request and returns the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, method=method, data=data, headers=self.headers
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            fail(f"{method} {path} answered {error.code}: {text}")
        except OSError as error:
            fail(f"{method} {path}: {error}; is the system up ('make up')?")

    def upload(self, release: int, name: str, content: bytes) -> None:
        """Adds a file to a release and uploads it."""
        file = {"path": name, "size": len(content)}
        target = self.call("POST", f"/api/releases/{release}/files", file)["upload"]
        # urllib would add a content type of its own, which the signature does not cover.
        headers = {"Content-Type": "application/octet-stream"} | target["headers"]
        request = urllib.request.Request(
            target["url"], method=target["method"], data=content, headers=headers
        )
        try:
            urllib.request.urlopen(request, timeout=UPLOAD_TIMEOUT).close()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            fail(f"the upload was refused with {error.code}: {text}")

    def run_job(self, release: int, job_type: str) -> Any:
        """Creates a job, follows its status and log until it ends, and returns its details."""
        body = {"job_type": job_type, "release_id": release, "config_json": {}}
        job = self.call("POST", "/api/jobs", body)["id"]
        print(f"\n{job_type}: job {job}")
        status = self.follow(job)
        if status["status"] != "completed":
            error = status["error"] or {}
            reason = f"{error.get('code')}: {error.get('message')}"
            fail(f"the {job_type} job is {status['status']}: {reason}")
        return self.call("GET", f"/api/jobs/{job}")

    def follow(self, job: int) -> Any:
        """Prints the progress and the log of a job until it ends; returns its last status."""
        after, shown, deadline = "", None, time.monotonic() + JOB_TIMEOUT
        while time.monotonic() < deadline:
            status = self.call("GET", f"/api/jobs/{job}/status")
            progress = (status["status"], status["progress"], status["step"])
            if progress != shown:
                shown = progress
                step = status["step"] or ""
                print(f"  {status['progress']:>3} %  {status['status']:<9}  {step}")
            page = self.call("GET", f"/api/jobs/{job}/logs{after}")
            after = f"?after={page['next_cursor']}"
            for entry in page["logs"]:
                print(f"         {entry['timestamp']} [{entry['level']}] {entry['message']}")
            if status["status"] in FINAL and page["finished"]:
                return status
            time.sleep(POLL_INTERVAL)
        fail(f"job {job} has not ended within {JOB_TIMEOUT} s")


def show_files(api: Api, release: int) -> None:
    """Prints the files of a release with their addresses."""
    print("\nFinished files:")
    for file in api.call("GET", f"/api/releases/{release}/files")["files"]:
        url = file["url"]
        if len(url) > MAX_URL_LENGTH:
            url = url[: MAX_URL_LENGTH - 3] + "..."
        print(f"  {file['size']:>10}  {file['path']}\n              {url}")


def show_what_to_try(url: str, bearer: str, release: int, job: int) -> None:
    """Prints commands of the client, and requests, to send next."""
    print(f"""
The system is running; 'make down' stops it.

  export JOBS_API={url}
  export JOBS_TOKEN={bearer}
  alias jobs={CLIENT}

  jobs list
  jobs logs {job}
  jobs submit repack --release {release} --config compression=high --watch
  jobs release download {release} --to package
  jobs --help

The same API without the client, and as an admin:

  export ADMIN={token(1, "admin")}
  curl -s $JOBS_API/api/jobs/{job} -H "Authorization: Bearer $JOBS_TOKEN"
  curl -s "$JOBS_API/api/jobs?status=completed&limit=5" -H "Authorization: Bearer $ADMIN"
""")


def package(api: Api, name: str, content: bytes) -> tuple[int, int]:
    """Analyzes and packages a file in a new release; returns the release and the last job."""
    fields = {"release_type": "ebook", "group": "DEMO"}
    release = api.call("POST", "/api/releases", fields)["id"]
    print(f"Release {release} created; uploading {name} ({len(content)} bytes).")
    api.upload(release, name, content)
    analysis = api.run_job(release, "analysis")
    print("\n  found: " + json.dumps(analysis["result"]["metadata"], ensure_ascii=False))
    job = api.run_job(release, "packaging")["id"]
    show_files(api, release)
    return release, job


def main() -> None:
    """Packages the file on the command line, or a sample."""
    parser = argparse.ArgumentParser(description="Package a file, by default on the local system.")
    parser.add_argument("file", nargs="?", type=Path, help="the file; by default a sample EPUB")
    parser.add_argument("--api", help="URL of the API of a deployed system")
    parser.add_argument("--token", help="token of a user of that system")
    arguments = parser.parse_args()
    path = arguments.file
    if bool(arguments.api) != bool(arguments.token):
        parser.error("give both --api and --token, or neither")
    if path and not path.is_file():
        fail(f"there is no file {path}")
    name, content = (path.name, path.read_bytes()) if path else ("lighthouse.epub", sample_epub())
    if arguments.api:
        package(Api(arguments.api, arguments.token), name, content)
        return
    url, bearer = read_env()["API_URL"], token(7)
    release, job = package(Api(url, bearer), name, content)
    show_what_to_try(url, bearer, release, job)


if __name__ == "__main__":
    main()
