"""Removes a user's jobs, logs, releases, files and idempotency keys from a deployed stack.

It uses the AWS credentials and the region of the environment.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from user_data import OpenJobsError, remove_user_data


def main() -> None:
    """Removes the data of the user on the command line, or counts it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("user", type=int, help="id of the user")
    parser.add_argument("--stack", required=True, help="name of the stack, such as jobs-prod")
    parser.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
    given = parser.parse_args()
    try:
        found = remove_user_data(given.stack, given.user, dry_run=given.dry_run)
    except (BotoCoreError, ClientError, OpenJobsError, OSError) as error:
        sys.exit(f"error: {error}")
    verb = "Found" if given.dry_run else "Removed"
    print(f"{verb} {', '.join(f'{count} {kind}' for kind, count in found.items())}.")


if __name__ == "__main__":
    main()
