"""Takes a file through the whole system like a user, with the command-line client `jobs`.

`make run` does so on the local system; `--api` and `--token` name a deployed one. Each command is
printed before it runs, as one would type it.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from local import ROOT, read_env
from sample_epub import sample_epub
from tokens import token

# `make build` builds it. The coverage has another build.
CLIENT = os.environ.get("JOBS_CLIENT") or str(ROOT / "target/local/jobs")
FOLDER = Path(os.path.relpath(ROOT / "target/demo"))


def fail(message: str) -> NoReturn:
    """Ends the demonstration with an error."""
    sys.exit(f"\nerror: {message}")


class Shell:
    """A shell of one user."""

    def __init__(self, url: str, bearer: str) -> None:
        self.environment = os.environ | {"JOBS_API": url, "JOBS_TOKEN": bearer}

    def run(self, *words: object) -> int:
        """Runs a command, and prints it with its output; returns the first number in the output.

        That is the id of what a command creates. The client shows progress on the error output.
        """
        command = [str(word) for word in words]
        print(f"\n$ jobs {shlex.join(command)}", flush=True)
        try:
            finished = subprocess.run(
                [CLIENT, *command],
                env=self.environment,
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
        except OSError as error:
            fail(f"{CLIENT} does not run ({error.strerror}); build it with 'make build'")
        print(finished.stdout, end="", flush=True)
        if finished.returncode:
            fail(f"'jobs {command[0]}' ended with status {finished.returncode}")
        number = re.search(r"\d+", finished.stdout)
        return int(number[0]) if number else 0


def package(shell: Shell, file: Path) -> tuple[int, int]:
    """Analyzes and packages a file in a new release; returns the release and the last job."""
    release = shell.run("release", "create", "ebook", "--group", "DEMO")
    shell.run("release", "upload", release, file)
    shell.run("show", shell.run("submit", "analysis", "--release", release, "--watch"))
    job = shell.run("submit", "packaging", "--release", release, "--watch")
    shell.run("logs", job)
    shell.run("release", "files", release)
    shell.run("release", "download", release, "--to", FOLDER / str(release))
    return release, job


def show_what_to_try(url: str, bearer: str, release: int, job: int) -> None:
    """Prints commands of the client, and requests, to send next."""
    print(f"""
The system is running; 'make down' stops it. Its console, signed in, at the job that has just run:

  {url}/console#token={bearer}&to=/jobs/{job}

To continue on the command line as the same user:

  export JOBS_API={url}
  export JOBS_TOKEN={bearer}
  alias jobs={shlex.quote(CLIENT)}

  jobs list
  jobs show {job}
  jobs submit repack --release {release} --config compression=high --watch
  jobs release show {release}
  jobs --help

The same API without the client, and as an admin:

  export ADMIN={token(1, "admin")}
  curl -s $JOBS_API/api/jobs/{job} -H "Authorization: Bearer $JOBS_TOKEN"
  curl -s "$JOBS_API/api/jobs?status=completed&limit=5" -H "Authorization: Bearer $ADMIN"
""")


def write_sample() -> Path:
    """Writes the sample file and returns its path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "lighthouse.epub"
    path.write_bytes(sample_epub())
    return path


def main() -> None:
    """Packages the file on the command line, or a sample."""
    parser = argparse.ArgumentParser(description="Package a file, by default on the local system.")
    parser.add_argument("file", nargs="?", type=Path, help="the file; by default a sample EPUB")
    parser.add_argument("--api", help="URL of the API of a deployed system")
    parser.add_argument("--token", help="token of a user of that system")
    arguments = parser.parse_args()
    if bool(arguments.api) != bool(arguments.token):
        parser.error("give both --api and --token, or neither")
    if arguments.file and not arguments.file.is_file():
        fail(f"there is no file {arguments.file}")
    file = arguments.file or write_sample()
    if arguments.api:
        package(Shell(arguments.api, arguments.token), file)
        return
    url, bearer = read_env()["API_URL"], token(7)
    release, job = package(Shell(url, bearer), file)
    show_what_to_try(url, bearer, release, job)


if __name__ == "__main__":
    main()
