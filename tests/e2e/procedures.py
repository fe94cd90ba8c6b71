"""The commands of the operator's pages."""

import re
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from local import ROOT, plain_environment

PAGES = ("operating", "alarms", "procedures")
# The stack in the commands of the pages.
EXAMPLE_STACK = "jobs-prod"
# A block that starts so is not run.
AWS_ONLY = "# AWS only: "
BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<lines>.*?)^ *```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 120  # seconds


class Block(NamedTuple):
    """A block of shell commands below a heading of a page."""

    heading: str
    commands: str


def blocks() -> list[Block]:
    """Returns all blocks of commands, in the order of the pages."""
    found = []
    for page in PAGES:
        text = (ROOT / f"docs/{page}.md").read_text()
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            heading = section.partition("\n")[0]
            for block in BLOCK.finditer(section):
                indent = len(block["indent"])
                lines = (line[indent:] for line in block["lines"].splitlines())
                found.append(Block(heading, "\n".join(lines)))
    return found


def local_blocks() -> list[Block]:
    """Returns the blocks that work on the local AWS."""
    return [block for block in blocks() if not block.commands.startswith(AWS_ONLY)]


def commands_below(heading: str) -> list[str]:
    """Returns the blocks below a heading that work on the local AWS."""
    found = [block.commands for block in local_blocks() if block.heading == heading]
    assert found, f"no commands below {heading!r}"
    return found


class Shell:
    """A shell that is set up as the page says, for a stack of the local AWS."""

    def __init__(self, stack: str, port: int, **variables: str) -> None:
        self.stack = stack
        self.environment = plain_environment(port)
        self.variables = variables

    def run(self, commands: str, **more: object) -> str:
        """Runs commands with these variables; returns their output."""
        texts = {name: str(value) for name, value in more.items()}
        script = self.script(commands, self.variables | texts)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def script(self, commands: str, variables: Mapping[str, str]) -> str:
        """Returns the commands, after those that set up the shell."""
        [setup] = [block for block in blocks() if block.heading == "Set up the shell"]
        given = "\n".join(f"{name}='{value}'" for name, value in variables.items())
        text = f"{setup.commands}\n{given}\n{commands}"
        return text.replace(EXAMPLE_STACK, self.stack)

    def follow(self, heading: str, **variables: object) -> str:
        """Runs the commands below a heading in one shell; returns their output."""
        return self.run("\n".join(commands_below(heading)), **variables)
