"""The command-line client, `jobs`, against the deployed local system."""

import contextlib
import json
import os
import re
import shutil
import socket
import socketserver
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from api import User
from faults import Call, Gate, StartProxy
from local import ROOT
from runtime import PROCESSED, StartFunction, delivery
from sample_epub import sample_epub
from samples import TEXT_FILE, completed_job, failed_job
from stack import Stack
from waiting import assert_soon

pytestmark = pytest.mark.local

# The coverage has another build.
PROGRAM = os.environ.get("JOBS_CLIENT") or str(ROOT / "target/local/jobs")
TIMEOUT = 120  # seconds for one command
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SUCCESS, ERROR, CANCELLED, USAGE = 0, 1, 2, 64


class Shell:
    """A shell of a user, with a home of its own."""

    def __init__(self, user: User, home: Path, api_url: str = "") -> None:
        self.token = user.headers["authorization"].removeprefix("Bearer ")
        self.api_url = api_url or user.api_url
        self.home = home
        unset = ("JOBS_API", "JOBS_TOKEN", "XDG_CONFIG_HOME")
        inherited = {name: text for name, text in os.environ.items() if name not in unset}
        self.signed_out = inherited | {"HOME": str(home)}
        self.signed_in = self.signed_out | {"JOBS_API": self.api_url, "JOBS_TOKEN": self.token}

    def start(self, *words: object, is_signed_in: bool = True) -> "subprocess.Popen[str]":
        """Starts a command."""
        return subprocess.Popen(
            [PROGRAM, *map(str, words)],
            cwd=self.home,
            env=self.signed_in if is_signed_in else self.signed_out,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(
        self, process: "subprocess.Popen[str]", status: int, given: str = ""
    ) -> tuple[str, str]:
        """Waits for the end of a command; returns its output and its error output.

        Checks its exit status, and that it did not print the token.
        """
        try:
            output, errors = process.communicate(given, timeout=TIMEOUT)
        finally:
            process.kill()
        assert process.returncode == status, (process.args, output, errors)
        assert self.token not in output + errors
        return output, errors

    def run(self, *words: object, status: int = SUCCESS) -> str:
        """Runs a command and returns its output."""
        output, _ = self.end(self.start(*words), status)
        return output

    def json(self, *words: object, status: int = SUCCESS) -> Any:
        """Runs a command and returns the document that it prints."""
        return json.loads(self.run(*words, "--json", status=status))


@pytest.fixture
def shell(owner: User, tmp_path: Path) -> Shell:
    """A shell of the owner."""
    return Shell(owner, tmp_path)


def test_session_from_login_to_download(owner: User, shell: Shell, tmp_path: Path) -> None:
    login = shell.start("login", "--api", owner.api_url, "--token-stdin", is_signed_in=False)
    output, _ = shell.end(login, SUCCESS, f"{shell.token}\n")
    assert f"Signed in as user {owner.id}" in output
    settings = tmp_path / ".config/jobs/settings.json"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600

    def run(*words: object) -> str:
        return shell.end(shell.start(*words, is_signed_in=False), SUCCESS)[0]

    assert run("me").startswith(f"user {owner.id}, until ")
    metadata = ("--metadata", "title=A Tested Book", "year=2026", 'authors=["Ada Example"]')
    created = run("release", "create", "ebook", "--group", "GRP", *metadata)
    release = int(created.split()[1])
    assert owner.release(release)["metadata"] == {
        "title": "A Tested Book",
        "year": 2026,
        "authors": ["Ada Example"],
    }
    book = sample_epub()
    (tmp_path / "lighthouse.epub").write_bytes(book)
    (tmp_path / "empty").write_bytes(b"")
    run("release", "upload", release, "lighthouse.epub")
    run("release", "upload", release, "empty", "--as", "art/é mpty.txt")
    assert owner.files(release, "source/") == {
        "lighthouse.epub": book,
        "art/é mpty.txt": b"",
    }
    config = ("--config", "compression=high", "generate_diz=false")
    output = run("submit", "packaging", "--release", release, *config, "--watch")
    [job] = owner.jobs()
    assert output == f"Job {job['id']} completed\n"
    assert owner.job(job["id"])["config_json"] == {"compression": "high", "generate_diz": False}
    assert run("logs", job["id"], "-f") == owner.job(job["id"])["logs"]
    package = owner.files(release, "package/")
    for path in package:
        assert f"package/{path}" in run("release", "files", release)
    run("release", "download", release, "--to", "got/here")
    assert files_below(tmp_path / "got/here") == package


def files_below(folder: Path) -> dict[str, bytes]:
    """Returns the content of all files in a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_demonstration_packages_a_file_with_the_client(
    owner: User, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "a book.epub").write_bytes(sample_epub())
    demo = ROOT / "scripts/demo.py"
    words = ("a book.epub", "--api", owner.api_url, "--token", shell.token)
    finished = subprocess.run(
        [sys.executable, str(demo), *words],
        cwd=tmp_path,
        env=shell.signed_out,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert finished.returncode == 0, finished
    assert shell.token not in finished.stdout + finished.stderr
    assert {(job["job_type"], job["status"]) for job in owner.jobs()} == {
        ("analysis", "completed"),
        ("packaging", "completed"),
    }
    release = owner.jobs()[0]["release_id"]
    assert f"$ jobs release upload {release} 'a book.epub'\n" in finished.stdout
    downloaded = ROOT / f"target/demo/{release}"
    assert files_below(downloaded) == owner.files(release, "package/")
    shutil.rmtree(downloaded)


def test_refused_token_is_not_saved(owner: User, shell: Shell, tmp_path: Path) -> None:
    login = shell.start("login", "--api", owner.api_url, "--token-stdin", is_signed_in=False)
    _, errors = shell.end(login, ERROR, "no-token\n")
    assert "does not accept the token" in errors
    assert not (tmp_path / ".config").exists()


def test_command_without_a_login_says_so(shell: Shell) -> None:
    _, errors = shell.end(shell.start("list", is_signed_in=False), USAGE)
    assert "jobs login" in errors


def test_json_is_the_document_of_the_api(owner: User, shell: Shell) -> None:
    job = completed_job(owner)
    release = owner.job(job)["release_id"]
    assert shell.json("me")["user_id"] == owner.id
    assert shell.json("show", job) == owner.job(job)
    assert shell.json("watch", job) == owner.job(job)
    assert shell.json("release", "show", release) == owner.release(release)
    lines = shell.run("logs", job, "--json").splitlines()
    assert [json.loads(line) for line in lines] == owner.log(job)
    files = shell.json("release", "files", release)["files"]
    assert [(file["path"], file["size"]) for file in files] == [("source/notes.txt", 7)]


def test_lists_have_filters_and_all_pages(owner: User, shell: Shell) -> None:
    drafts = [owner.create_draft(job_type="analysis") for _ in range(3)]
    cancelled = owner.cancelled_draft(job_type="packaging")

    def listed(*words: object) -> list[int]:
        return [job["id"] for job in shell.json("list", *words)["jobs"]]

    def assert_listed(expected: list[int], *words: object) -> None:
        assert_soon(lambda: listed(*words), expected)

    newest_first = [cancelled, *reversed(drafts)]
    assert_listed(newest_first, "--limit", 2, "--all")
    assert_listed(newest_first[:2], "--limit", 2)
    assert_listed([cancelled], "--status", "cancelled,failed")
    assert_listed(newest_first[1:], "--type", "analysis", "--status", "draft")
    assert str(cancelled) in shell.run("list", "--type", "packaging")
    release = owner.create_release()
    assert_listed([], "--release", release)

    def listed_releases() -> list[int]:
        return [found["id"] for found in shell.json("release", "list")["releases"]]

    assert_soon(listed_releases, [release])


def test_failed_job_exits_with_1(owner: User, shell: Shell) -> None:
    release = owner.create_release()
    output = shell.run("submit", "nfofix", "--release", release, "--watch", status=ERROR)
    [job] = owner.jobs()
    assert output.startswith(f"Job {job['id']} failed: ")
    assert "nfo_missing" in output
    retried = shell.json("retry", job["id"], "--config", "dry_run=true", "--watch", status=ERROR)
    assert (retried["retry_of"], retried["config_json"]) == (job["id"], {"dry_run": True})


def reads_the_source(call: Call) -> bool:
    return call.method == "GET" and call.path.endswith(".txt")


def test_cancelled_job_exits_with_2(
    owner: User, shell: Shell, start_proxy: StartProxy, start_function: StartFunction
) -> None:
    gate = Gate(reads_the_source)
    processor = start_function("process-jobs", AWS_ENDPOINT_URL_S3=start_proxy(before=gate.before))
    release = owner.create_release(TEXT_FILE)
    message = {"job_type": "analysis", "release_id": release, "created_by": owner.id}
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(processor.invoke, delivery(message, f"held-{owner.id}"))
        try:
            assert gate.is_held.wait(TIMEOUT), "the job never read its source"
            job = owner.jobs()[0]["id"]
            watch = shell.start("watch", job)
            output = shell.run("cancel", job, "--reason", "Wrong file")
            assert output.startswith(f"Job {job} is cancelled; it stops by ")
            output, _ = shell.end(watch, CANCELLED)
        finally:
            gate.is_open.set()
        assert end.result(TIMEOUT) == PROCESSED
    assert output == f"Job {job} was cancelled by user {owner.id}: Wrong file\n"


def test_draft_is_submitted_later(owner: User, shell: Shell) -> None:
    release = owner.create_release(TEXT_FILE)
    draft = shell.json("submit", "analysis", "--release", release, "--draft")
    assert draft["status"] == "draft"
    shell.run("watch", draft["id"], status=ERROR)
    shell.run("submit-draft", draft["id"], "--watch")
    assert owner.status(draft["id"])["status"] == "completed"


def test_repeated_submission_makes_one_job(owner: User, shell: Shell) -> None:
    words = ("submit", "analysis", "--release", owner.create_release(TEXT_FILE))
    jobs = [shell.json(*words, "--idempotency-key", "once")["id"] for _ in range(2)]
    assert len(set(jobs)) == 1
    assert shell.json(*words)["id"] != jobs[0]


def test_refusal_shows_its_reason_and_request_id(
    owner: User, stranger: User, tmp_path: Path
) -> None:
    job = failed_job(owner)
    shell = Shell(stranger, tmp_path)
    for command in ("show", "watch", "logs", "cancel", "retry"):
        output, errors = shell.end(shell.start(command, job), ERROR)
        assert output == ""
        assert "belongs to another user" in errors, command
        assert "request id: " in errors, command


def test_existing_files_are_kept(owner: User, shell: Shell, tmp_path: Path) -> None:
    release = owner.create_release(TEXT_FILE)
    words = ("release", "download", release, "--source")
    (tmp_path / "notes.txt").write_text("mine")
    _, errors = shell.end(shell.start(*words), ERROR)
    assert "--force" in errors
    assert (tmp_path / "notes.txt").read_text() == "mine"
    shell.run(*words, "--force")
    assert (tmp_path / "notes.txt").read_bytes() == TEXT_FILE["notes.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_source_file_is_deleted(owner: User, shell: Shell) -> None:
    release = owner.create_release(TEXT_FILE)
    shell.run("release", "delete-file", release, "source/notes.txt")
    assert owner.file_entries(release) == []


class BrokenNetwork(socketserver.ThreadingTCPServer):
    """Forwards connections to the API, but closes every second one after the request."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.target = target
        self.lock = threading.Lock()
        self.count = 0

    def is_next_cut(self) -> bool:
        """Counts a connection; returns whether to cut it."""
        with self.lock:
            self.count += 1
            return self.count % 2 == 1


class Connection(socketserver.BaseRequestHandler):
    """A forwarded connection, for one exchange."""

    server: BrokenNetwork

    def read_request(self) -> bytes:
        """Reads a request with its body; an incomplete one if the client closes the connection."""
        request = b""
        while data := self.request.recv(1 << 16):
            request += data
            head, end, body = request.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            if end and len(body) >= (int(length[1]) if length else 0):
                break
        return request

    def handle(self) -> None:
        request = self.read_request()
        if not request or self.server.is_next_cut():
            return
        with contextlib.suppress(OSError), socket.create_connection(self.server.target) as api:
            # Without it, the client would send more requests on the same connection.
            api.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            while data := api.recv(1 << 16):
                self.request.sendall(data)


@pytest.fixture
def broken_api_url(stack: Stack) -> Iterator[str]:
    """The address of the API through a network that breaks."""
    url = urlsplit(stack.api_url)
    assert url.hostname
    assert url.port
    with BrokenNetwork((url.hostname, url.port)) as network:
        threading.Thread(target=network.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{network.server_address[1]}{url.path}"
        network.shutdown()
        assert network.count > 1, "nothing was cut"


def test_log_is_followed_once_through_a_network_that_breaks(
    owner: User, tmp_path: Path, broken_api_url: str
) -> None:
    shell = Shell(owner, tmp_path, broken_api_url)
    release = owner.create_release({f"{number}.txt": b"Once" for number in range(9)})
    job = shell.json("submit", "packaging", "--release", release)["id"]
    assert len(owner.jobs()) == 1
    lines = shell.run("logs", job, "-f", "--json").splitlines()
    assert [json.loads(line) for line in lines] == owner.log(job)
    assert owner.status(job)["status"] == "completed"
