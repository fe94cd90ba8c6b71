"""Runs a command with the words of an environment variable as further arguments.

`make test-e2e ARGS="-k 'cancel or retry'"` names two arguments. They are split as a shell would,
but no shell reads them, so nothing in them is executed.
"""

import os
import shlex
import sys


def main() -> None:
    """Replaces this process by the command: with_words.py VARIABLE COMMAND [ARGUMENT ...]."""
    variable, *command = sys.argv[1:]
    try:
        words = shlex.split(os.environ.get(variable, ""))
    except ValueError as error:
        sys.exit(f"error: {variable.removeprefix('IN_')}: {error}")
    os.execvp(command[0], [*command, *words])


if __name__ == "__main__":
    main()
