"""The SAM CLI builds the template from the functions that make has built."""

import re
import subprocess
from pathlib import Path

import pytest

from local import ROOT, SOURCE, TOOLS


@pytest.mark.local
def test_sam_build_takes_the_built_functions(tmp_path: Path) -> None:
    output = tmp_path / "build"
    done = subprocess.run(
        [TOOLS / "venv-lint/bin/sam", "build", "--build-dir", output],
        cwd=SOURCE,
        env={"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code = re.findall(r"^ *CodeUri: (\S+)$", (output / "template.yaml").read_text(), re.MULTILINE)
    # SkipBuild leaves the code in build/.
    assert {(output / path).resolve() for path in code} == {
        SOURCE / "build" / path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")
    }
    assert all((output / path / "bootstrap").is_file() for path in code)
    nested = (output / "Monitoring/template.yaml").read_text()
    assert "AWS::CloudWatch::Dashboard" in nested
