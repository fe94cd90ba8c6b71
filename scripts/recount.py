"""Compares the number of releases counted for each user with their releases, and repairs it.

The API counts a release in the write that creates it, so the two differ only after something else
has changed the table, such as a restore. It uses the AWS credentials and the region of the
environment.
"""

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import BotoCoreError, ClientError

from user_data import Storage

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase

SORT_KEY = "RELEASES"


def counted_releases(storage: Storage) -> dict[int, int]:
    """Returns the number of releases that is stored for each user."""
    condition = Attr("sk").eq(SORT_KEY) & Attr("pk").begins_with("USER#")
    items = storage.scan(FilterExpression=condition, ConsistentRead=True)
    return {int(item["pk"].partition("#")[2]): int(item["count"]) for item in items}


def owned_releases(storage: Storage) -> Counter[int]:
    """Counts the releases of each user."""
    condition = Attr("sk").eq("META") & Attr("pk").begins_with("RELEASE#")
    items = storage.scan(
        FilterExpression=condition, ProjectionExpression="user_id", ConsistentRead=True
    )
    return Counter(int(item["user_id"]) for item in items)


def repair(storage: Storage, user: int, counted: int | None, owned: int) -> bool:
    """Stores the number of a user's releases, unless it has changed since it was read."""
    unchanged: ConditionBase = (
        Attr("count").not_exists() if counted is None else Attr("count").eq(counted)
    )
    try:
        storage.table.update_item(
            Key={"pk": f"USER#{user}", "sk": SORT_KEY},
            UpdateExpression="SET #count = :owned",
            ConditionExpression=unchanged,
            ExpressionAttributeNames={"#count": "count"},
            ExpressionAttributeValues={":owned": owned},
        )
    except storage.client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def recount(stack: str, *, dry_run: bool) -> bool:
    """Compares and repairs all users' numbers; returns whether all are right now.

    The numbers are read before the releases. A release that is created meanwhile changes its
    owner's number, and the repair is refused.
    """
    storage = Storage(stack)
    counted, owned = counted_releases(storage), owned_releases(storage)
    wrong = [user for user in sorted(counted | owned) if counted.get(user, 0) != owned[user]]
    left = 0
    for user in wrong:
        repaired = not dry_run and repair(storage, user, counted.get(user), owned[user])
        left += not repaired
        outcome = "repaired" if repaired else "found" if dry_run else "changed meanwhile"
        print(f"user {user}: {counted.get(user, 0)} counted, {owned[user]} owned, {outcome}")
    print(f"Compared {len(counted | owned)} users: {len(wrong)} differ, {left} are left.")
    return left == 0


def main() -> None:
    """Recounts the releases of the stack on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stack", required=True, help="name of the stack, such as jobs-prod")
    parser.add_argument("--dry-run", action="store_true", help="compare, and repair nothing")
    given = parser.parse_args()
    try:
        is_right = recount(given.stack, dry_run=given.dry_run)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: {error}")
    if not is_right and not given.dry_run:
        sys.exit("error: some numbers changed meanwhile; run the command again")


if __name__ == "__main__":
    main()
