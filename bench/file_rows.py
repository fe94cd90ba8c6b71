"""The names of rows about packagings, which the benchmark measures and the price sheet reads."""

from s3 import GET_CLASS, PUT_CLASS

KIND_MIB = 100  # size of the file of each kind of content, within 3 %
TEXT, EPUB = "a text", "an EPUB"
REQUEST_NAMES = {PUT_CLASS: "PUT class requests", GET_CLASS: "GET class requests"}


def packaging_row(kind: str) -> str:
    """Returns the name of the row with the speed of a packaging."""
    return f"packaging of {kind} of {KIND_MIB} MiB"


def price_row(kind: str) -> str:
    """Returns the name of the row with the speed that prices use.

    A function with the default memory has one vCPU, and waits for S3.
    """
    return f"{packaging_row(kind)} over S3's link on one core"


def requests_row(kind: str, request_class: str) -> str:
    """Returns the name of the row with the requests of a class in S3's price list."""
    return f"packaging of {kind}: {REQUEST_NAMES[request_class]}"
