"""Compares the number of releases counted for each user with their releases, and repairs it.

The API counts a release in the write that creates it, so the two differ only after something else
has changed the table, such as a restore. Releases that a version without the index `releases` wrote
are added to it. It uses the AWS credentials and the region of the environment.
"""

import argparse
import contextlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import BotoCoreError, ClientError

from user_data import Item, Storage

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase

SORT_KEY = "RELEASES"
MAX_TITLE = 100  # characters, as in shared/jobs/src/release/mod.rs


def counted_releases(storage: Storage) -> dict[int, int]:
    """Returns the number of releases that is stored for each user."""
    condition = Attr("sk").eq(SORT_KEY) & Attr("pk").begins_with("USER#")
    items = storage.scan(FilterExpression=condition, ConsistentRead=True)
    return {int(item["pk"].partition("#")[2]): int(item["count"]) for item in items}


def all_releases(storage: Storage) -> list[Item]:
    """Reads all releases; the metadata only of those that the index `releases` lacks."""
    condition = Attr("sk").eq("META") & Attr("pk").begins_with("RELEASE#")
    items = storage.scan(
        FilterExpression=condition,
        ProjectionExpression="pk, sk, user_id, #kind, metadata",
        ExpressionAttributeNames={"#kind": "kind"},
        ConsistentRead=True,
    )
    return [item if "kind" not in item else item | {"metadata": None} for item in items]


def add_to_index(storage: Storage, release: Item) -> None:
    """Adds a release to the index `releases`, with its title, as a new one would be."""
    title = json.loads(release["metadata"]).get("title") or ""
    short = title.strip()[:MAX_TITLE] if isinstance(title, str) else ""
    values = {":kind": "release"} | ({":title": short} if short else {})
    storage.table.update_item(
        Key={"pk": release["pk"], "sk": release["sk"]},
        UpdateExpression="SET #kind = :kind" + (", title = :title" if short else ""),
        ConditionExpression=Attr("pk").exists() & Attr("kind").not_exists(),
        ExpressionAttributeNames={"#kind": "kind"},
        ExpressionAttributeValues=values,
    )


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
    counted, releases = counted_releases(storage), all_releases(storage)
    owned = Counter(int(release["user_id"]) for release in releases)
    unlisted = [release for release in releases if release["metadata"] is not None]
    wrong = [user for user in sorted(counted | owned) if counted.get(user, 0) != owned[user]]
    left = 0
    for user in wrong:
        repaired = not dry_run and repair(storage, user, counted.get(user), owned[user])
        left += not repaired
        outcome = "repaired" if repaired else "found" if dry_run else "changed meanwhile"
        print(f"user {user}: {counted.get(user, 0)} counted, {owned[user]} owned, {outcome}")
    if not dry_run:
        for release in unlisted:
            with contextlib.suppress(storage.client.exceptions.ConditionalCheckFailedException):
                add_to_index(storage, release)
    if unlisted:
        print(f"{len(unlisted)} releases {'are missing from' if dry_run else 'added to'} the list.")
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
