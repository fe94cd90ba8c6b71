"""The values that a user gives to `make`: none of them is executed."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from local import ROOT

pytestmark = pytest.mark.local

# Each creates the file `executed` if make or a shell reads it as code.
HOSTILE = (
    "a b'; touch executed; '",
    'a"; touch executed; "',
    "$(touch executed)",
    "$$(touch executed)",
    "`touch executed`",
    "$(shell touch executed)",
    "; touch executed #",
    "a\\'; touch executed",
    "x[$(touch executed)]",
)
# A program that writes down how it was called, in place of every program of a recipe.
RECORDER = """#!/bin/sh
python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >> called
"""
PROGRAMS = (
    ".local/venv-tests/bin/python",
    ".local/venv-tests/bin/pytest",
    ".local/venv-cli/bin/aws",
    "scripts/console.sh",
    "scripts/deploy.sh",
    "scripts/venv.sh",
    "bin/cargo",
)
# What a target needs first, which `make -o` takes for done.
DONE = ("up", "build", "cargo", *(f"venv-{name}" for name in ("cli", "lint", "local", "tests")))
# The variables of each target, those that are a list of words apart, and what the target needs.
VALUES = {
    "run": ("FILE",),
    "token": ("USER", "ROLE"),
    "invoke": ("FN", "EVENT"),
    "verify": ("STAGE", "API_URL", "JOBS", "REMOVE"),
    "fuzz": ("SECONDS", "SEED"),
    "soak": ("JOBS", "SEED", "HOSTILE"),
    "deploy": ("STAGE", "BUCKET"),
    "republish": ("SINCE", "STAGE"),
}
WORDS = {
    "test-e2e": "ARGS",
    "test-rust": "ARGS",
    "verify": "ARGS",
    "crash-matrix": "ARGS",
    "bench": "PART",
    "deploy": "PARAMETERS",
}
GIVEN = {
    "deploy": {"STAGE": "prod", "BUCKET": "b"},
    "republish": {"SINCE": "2026-11-28T12:00:00Z"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, in which every program only writes down its arguments."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for program in PROGRAMS:
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDER)
        path.chmod(0o755)
    for script in ("with_words.py", "fuzz.sh"):
        shutil.copy(ROOT / "scripts" / script, tmp_path / "scripts")
    scripts = ("demo", "tokens", "invoke", "republish", "check_test_names", "follow_job_type_page")
    for script in scripts:
        (tmp_path / f"scripts/{script}.py").write_text(
            "import os, sys\nos.execv('./record', sys.argv)"
        )
    (tmp_path / "record").write_text(RECORDER)
    (tmp_path / "record").chmod(0o755)
    (tmp_path / "shared/release-files").mkdir(parents=True)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / ".local/env").write_text("API_URL=http://127.0.0.1\n")
    return tmp_path


def make(project: Path, target: str, **values: str) -> list[list[str]]:
    """Runs a target; returns the arguments of each program that it called."""
    done = [f"-o{name}" for name in (*DONE, "venv-tools", "venv-python", "build-aws")]
    given = [f"{name}={value}" for name, value in (GIVEN.get(target, {}) | values).items()]
    environment = {"PATH": f"{project}/bin:{os.environ['PATH']}", "HOME": str(project)}
    finished = subprocess.run(
        ["make", "-s", *done, target, *given],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not (project / "executed").exists(), finished
    assert not list(project.rglob("executed")), finished
    called = project / "called"
    lines = called.read_text().splitlines() if called.exists() else []
    called.unlink(missing_ok=True)
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    ("target", "variable"), [(target, name) for target in VALUES for name in VALUES[target]]
)
def test_value_is_one_argument(project: Path, target: str, variable: str, hostile: str) -> None:
    called = make(project, target, **{variable: hostile})
    if target == "fuzz":  # SECONDS is refused, and SEED becomes a variable of the environment
        return
    arguments = [argument for call in called for argument in call]
    assert [each for each in arguments if hostile in each], called


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("target", "variable"), WORDS.items())
def test_words_are_arguments(project: Path, target: str, variable: str, hostile: str) -> None:
    called = make(project, target, **{variable: f"first {hostile}"})
    try:
        words = shlex.split(f"first {hostile}")
    except ValueError:  # an open quote is refused
        assert [call for call in called if "first" in call] == []
        return
    [call] = [call for call in called if "first" in call]
    assert call[call.index("first") :] == words


@pytest.mark.parametrize("variable", ["PORT", "LOG_LEVEL", "ORIGINS", "PYTHON", "INSTA_UPDATE"])
def test_setting_is_not_executed(project: Path, variable: str) -> None:
    for hostile in HOSTILE:
        make(project, "soak", **{variable: hostile})
