"""Files and configurations that cost far more to read than they weigh.

Each kind attacks one limit of a reader. All are generated, and small enough to upload in a test.
Read them outside of the system only under a limit of memory: `ulimit -v`.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sample_epub import CONTAINER

KIB, MIB = 1024, 1024 * 1024
NFO_SIZE = 256 * KIB  # the largest NFO that is read
OBJECT_STREAM = 4 * MIB - 100  # bytes: just below the size to which a stream may unpack
REFERENCE = b"1 0 R "


class Hostile(NamedTuple):
    """A job of a hostile user: its type, its configuration and the source files of its release."""

    job_type: str
    files: Callable[[], dict[str, bytes]]
    config: Mapping[str, Any] = {}


# ------------------------------------------------------------------ PDF

CATALOG = {
    1: b"<</Type/Catalog/Pages 2 0 R>>",
    2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    3: b"<</Type/Page/Parent 2 0 R>>",
    4: b"<</Title(A Book)>>",
}


def pdf(objects: Mapping[int, bytes]) -> bytes:
    """Returns a PDF with a catalog, a page and these objects, by their numbers from 5."""
    out, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, content in (CATALOG | dict(objects)).items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    for number in sorted(offsets):
        out += b"%010d 00000 n \n" % offsets[number]
    out += b"trailer\n<</Size %d/Root 1 0 R/Info 4 0 R>>\n" % (len(offsets) + 1)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def object_stream(index: bytes, members: bytes) -> bytes:
    """Returns a compressed object stream with this index, which ISO 32000-1, 7.5.7 describes."""
    data = zlib.compress(index + members, 9)
    numbers = (len(index.split()) // 2, len(index), len(data))
    head = b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>" % numbers
    return head + b"stream\n" + data + b"\nendstream"


def one_offset(index: bytes, *, is_closed: bool = True) -> bytes:
    """Returns a PDF whose object stream has one large array, to which all of its index leads."""
    room = OBJECT_STREAM - len(index) - 2
    array = b"[" + REFERENCE * (room // len(REFERENCE)) + b"]" * is_closed
    return pdf({5: object_stream(index, array)})


def one_member_again_and_again() -> bytes:
    """Returns a PDF whose index names one object at one offset again and again."""
    return one_offset(b"9 0 " * 250_000)


def members_at_one_offset() -> bytes:
    """Returns a PDF whose index names many objects at one offset."""
    return one_offset(b"".join(b"%d 0 " % (1000 + number) for number in range(150_000)))


def open_array() -> bytes:
    """Returns a PDF whose index leads to an array without an end, which is read and dropped."""
    return one_offset(b"9 0 " * 250_000, is_closed=False)


def many_streams() -> bytes:
    """Returns a PDF of many object streams with many small members."""
    count, member = 20_000, b"<</Title()>>"
    places = (b"%d %d " % (1000 + at, at * len(member)) for at in range(count))
    stream = object_stream(b"".join(places), member * count)
    return pdf({5 + number: stream for number in range(100)})


def large_array(mib: int) -> bytes:
    """Returns a PDF with a plain array of this size."""
    return pdf({5: b"[" + REFERENCE * (mib * MIB // len(REFERENCE)) + b"]"})


def deep_array() -> bytes:
    """Returns a PDF with an array in an array in an array."""
    return pdf({5: b"[" * 500_000 + b"]" * 500_000})


def page_loop() -> bytes:
    """Returns a PDF whose page tree leads back to its root."""
    return pdf({5: b"<</Type/Pages/Kids[2 0 R 5 0 R]/Count 9999999>>"}).replace(
        b"/Kids[3 0 R]", b"/Kids[5 0 R]"
    )


# ------------------------------------------------------------------ archives

PACKAGE = """<?xml version="1.0"?>
{declaration}<package version="3.0" xmlns="http://www.idpf.org/2007/opf">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A Book</dc:title>
{metadata}</metadata><manifest/><spine/></package>
"""


def epub(metadata: str = "", declaration: str = "", package: bytes | None = None) -> bytes:
    """Returns an EPUB with these elements in its metadata, or with this package document."""
    text = PACKAGE.format(metadata=metadata, declaration=declaration).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("OEBPS/package.opf", text if package is None else package)
    return made.getvalue()


def epub_of_long_lists() -> bytes:
    """Returns an EPUB of some kilobytes whose metadata exceed what an item of the table holds."""
    subjects = "".join(f"<dc:subject>{number} {'é' * 450}</dc:subject>" for number in range(990))
    return epub(subjects)


def epub_of_long_texts() -> bytes:
    """Returns an EPUB whose every text is long."""
    names = ("creator", "publisher", "description", "contributor", "identifier", "language")
    return epub("".join(f"<dc:{name}>{'x' * 200_000}</dc:{name}>" for name in names))


def epub_of_entities() -> bytes:
    """Returns an EPUB whose entities multiply."""
    parts = [f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 12)]
    return epub("&e11;", f'<!DOCTYPE package [<!ENTITY e0 "lol">{"".join(parts)}]>')


def deep_epub() -> bytes:
    """Returns an EPUB whose package document nests deeply."""
    return epub("<a>" * 200_000 + "</a>" * 200_000)


def archive(entries: Mapping[str, bytes]) -> bytes:
    """Returns a zip with these entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in entries.items():
            opened.writestr(name, data)
    return made.getvalue()


def overlapping_entries(count: int = 60_000) -> bytes:
    """Returns a zip whose directory lists one entry many times."""
    data = archive({"a": bytes(MIB)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    directory = data[start:end] * count
    tail = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0
    )  # APPNOTE.TXT 4.3.16
    return data[:start] + directory + tail


def unsafe_names() -> bytes:
    """Returns a zip whose entries lead outside of it."""
    names = ("../../a", "/etc/passwd", "C:/a", "a\u202eb", "con", "a/" * 200 + "b")
    return archive(dict.fromkeys(names, b"x"))


# ------------------------------------------------------------------ NFO and templates

ESCAPES = (b"\r", b"\x1b[", b"\x1b[99999C", b"{{", b"{% if a %}", b"\xdb", b"a:\r\n", b"\xff\xfe")


def nfo(piece: bytes, path: str = "book.nfo") -> Callable[[], dict[str, bytes]]:
    """Returns a maker of an NFO that repeats this piece."""
    return lambda: {path: (piece * NFO_SIZE)[:NFO_SIZE]}


# Each repeats an operator, so that the expression nests as deeply as it is long.
CHAINS = (
    "{{ " + "-" * 7_258 + "1 }}",
    "{{ 1" + "+1" * 7_258 + " }}",
    "{{ " + "not " * 7_258 + "a }}",
    "{{ a" + ".a" * 7_258 + " }}",
    "{{ a" + "[0]" * 7_258 + " }}",
    "{{ a" + "()" * 7_258 + " }}",
    "{{ a" + "|x" * 7_258 + " }}",
    "{{ " + "(" * 7_258 + "1" + ")" * 7_258 + " }}",
    "{{ " + "[" * 7_258 + "]" * 7_258 + " }}",
    "{% if a %}" * 1_600 + "{% endif %}" * 1_200,
    "{% for a in range(99999) %}" * 8 + "a" + "{% endfor %}" * 8,
    "{{ title }}" * 2_900,
)


def book() -> dict[str, bytes]:
    """Returns a source file that is not hostile."""
    return {"book.txt": b"Once upon a time\r\n"}


def packaging(template: str) -> Hostile:
    """Returns a job that packages a harmless file with this template for the NFO."""
    return Hostile("packaging", book, {"template": template})


def analysis(make: Callable[[], bytes]) -> Hostile:
    """Returns a job that analyzes this file."""
    return Hostile("analysis", lambda: {"file": make()})


HOSTILE_JOBS: dict[str, Hostile] = {
    "PDF, one member again and again": analysis(one_member_again_and_again),
    "PDF, members at one offset": analysis(members_at_one_offset),
    "PDF, open array": analysis(open_array),
    "PDF, many streams": analysis(many_streams),
    "PDF, array of 15 MiB": analysis(lambda: large_array(15)),
    "PDF, array of 24 MiB": analysis(lambda: large_array(24)),
    "PDF, deep array": analysis(deep_array),
    "PDF, loop of pages": analysis(page_loop),
    "EPUB, long lists": analysis(epub_of_long_lists),
    "EPUB, long texts": analysis(epub_of_long_texts),
    "EPUB, entities": analysis(epub_of_entities),
    "EPUB, deep": analysis(deep_epub),
    "EPUB, bomb": analysis(lambda: epub(package=bytes(64 * MIB))),
    "zip, bomb": analysis(lambda: archive({"ComicInfo.xml": bytes(64 * MIB), "1.png": b"x"})),
    "zip, overlapping entries": analysis(overlapping_entries),
    "zip, unsafe names": analysis(unsafe_names),
    "zip, only an end": analysis(lambda: b"PK\x05\x06" + b"\xff" * 18),
    "packaged bomb": Hostile("packaging", lambda: {"bomb.epub": epub(package=bytes(64 * MIB))}),
    **{f"nfofix of {piece!r}": Hostile("nfofix", nfo(piece)) for piece in ESCAPES},
    **{
        f"readnfo of {piece!r}": Hostile("readnfo", nfo(piece), {"apply": True})
        for piece in ESCAPES
    },
    **{f"template {text[:12]}...": packaging(text) for text in CHAINS},
}
