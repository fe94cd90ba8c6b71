"""The contents that an analysis finds, against independent readers of the same files."""

import io
import random
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pikepdf
from lxml import etree

from api import User
from test_readers import WORDS, analyses

BOOKS = 12
XHTML = "{http://www.w3.org/1999/xhtml}"
NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
TYPE = "{http://www.idpf.org/2007/ops}type"
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
# Scripts that do not separate words.
UNSEPARATED = r"\u3005-\u3007\u3040-\u30ff\u4e00-\u9fff"

Tree = list[tuple[str, str | None, Any]]


def sentence(chance: random.Random) -> str:
    """Returns a sentence with inline markup."""
    chosen = chance.choices(WORDS, k=chance.randint(3, 20))
    chosen[0] = f"<b>{chosen[0][0]}</b>{chosen[0][1:]}"
    return f"<p>{', '.join(chosen)}.<!-- not read --> <i>&#xE9;t&#233;</i></p>"


def make_table(chance: random.Random, chapters: int, depth: int = 0) -> Tree:
    """Makes a table of contents of some levels."""
    return [
        (
            f"{number + 1}. {chance.choice(WORDS)} & more",
            chance.choice([f"text/{chance.randrange(chapters)}.xhtml", None]),
            make_table(chance, chapters, depth + 1) if chance.random() < 0.5 and depth < 4 else [],
        )
        for number in range(chance.randint(1, 5))
    ]


def nav_list(tree: Tree) -> str:
    """Writes a table as the list of a navigation document."""
    items = "".join(
        "<li>"
        + (f"<a href='{path}#x'>{label}</a>" if path else f"<span>{label}</span>")
        + (nav_list(below) if below else "")
        + "</li>"
        for label, path, below in (
            (title.replace("&", "&amp;"), path, b) for title, path, b in tree
        )
    )
    return f"<ol>{items}</ol>"


def ncx_points(tree: Tree) -> str:
    """Writes a table as the points of an NCX."""
    return "".join(
        f"<navPoint><navLabel><text>{title.replace('&', '&amp;')}</text></navLabel>"
        f"<content src='{path or 'none.xhtml'}'/>{ncx_points(below)}</navPoint>"
        for title, path, below in tree
    )


def make_epub(chance: random.Random) -> bytes:
    """Makes an EPUB with a navigation document, an NCX or both."""
    chapters = chance.randint(1, 8)
    kinds = chance.choice([("nav",), ("ncx",), ("nav", "ncx")])
    table = make_table(chance, chapters)
    items = {
        "nav": '<item id="nav" href="nav.xhtml" properties="nav"/>',
        "ncx": '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
    }
    manifest = "".join(items[kind] for kind in kinds) + "".join(
        f'<item id="c{number}" href="text/{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(chapters))
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": f'<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        f"<manifest>{manifest}</manifest><spine>{spine}</spine></package>",
        "OPS/nav.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>T</title></head><body>'
        f'<nav epub:type="landmarks"><ol><li><a href="x">No</a></li></ol></nav>'
        f'<nav epub:type="toc">{nav_list(table)}</nav></body></html>',
        "OPS/toc.ncx": '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
        f"{ncx_points(table)}</navMap></ncx>",
    }
    for number in range(chapters):
        body = "".join(sentence(chance) for _ in range(chance.randint(0, 200)))
        files[f"OPS/text/{number}.xhtml"] = (
            '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Not read</title>'
            f"<style>p {{}}</style></head><body><h1>{number}</h1>{body}</body></html>"
        )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for path, text in files.items():
            book.writestr(path, text)
    return data.getvalue()


def read_nav(element: Any, known: set[str]) -> Tree:
    """Reads the list of a navigation document."""
    found = []
    for item in element.findall(f"{XHTML}ol/{XHTML}li"):
        label = item.find(f"{XHTML}a")
        label = item.find(f"{XHTML}span") if label is None else label
        path = "OPS/" + label.get("href", "").partition("#")[0]
        title = " ".join("".join(label.itertext()).split())
        found.append((title, path if path in known else None, read_nav(item, known)))
    return found


def read_ncx(element: Any, known: set[str]) -> Tree:
    """Reads the points of an NCX."""
    return [
        (
            point.findtext(f"{NCX}navLabel/{NCX}text"),
            path if (path := "OPS/" + point.find(f"{NCX}content").get("src")) in known else None,
            read_ncx(point, known),
        )
        for point in element.findall(f"{NCX}navPoint")
    ]


def independent_contents(data: bytes) -> tuple[Tree, list[tuple[str, int, int]]]:
    """Reads a book's table, and the words and characters of each document, with lxml."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        known = set(book.namelist())
        package = book.read("OPS/book.opf").decode()
        if "nav.xhtml" in package:
            document = etree.fromstring(book.read("OPS/nav.xhtml"))
            lists = document.iter(f"{XHTML}nav")
            table = read_nav(next(each for each in lists if each.get(TYPE) == "toc"), known)
        else:
            document = etree.fromstring(book.read("OPS/toc.ncx"))
            table = read_ncx(document.find(f"{NCX}navMap"), known)
        lengths = []
        for path in re.findall(r'href="(text/\d+\.xhtml)"', package):
            document = etree.fromstring(book.read(f"OPS/{path}"))
            blocks = document.find(f"{XHTML}body").iterchildren()
            text = "\n".join("".join(block.itertext()) for block in blocks)
            characters = len(re.findall(f"[{UNSEPARATED}]", text))
            words = len(re.findall(r"\w+", re.sub(f"[{UNSEPARATED}]+", " ", text)))
            lengths.append((f"OPS/{path}", words, characters))
    return table, lengths


def tree_of(entries: Any) -> Tree:
    """Returns the entries of an analysis in the shape of this module."""
    return [(each["title"], each["path"], tree_of(each["entries"])) for each in entries]


def flat(tree: Tree) -> Iterator[str]:
    """Returns the titles of all entries."""
    for title, _, below in tree:
        yield title
        yield from flat(below)


def test_contents_of_books_are_those_of_an_independent_reader(owner: User) -> None:
    files = {f"{seed}.epub": make_epub(random.Random(seed)) for seed in range(BOOKS)}
    compared = 0
    for data, result in analyses(owner, files):
        table, lengths = independent_contents(data)
        contents = result["contents"]
        assert tree_of(contents["entries"]) == table
        assert contents["entries_total"] == len(list(flat(table)))
        assert contents["chapters_total"] == len(lengths)
        assert [each["path"] for each in contents["chapters"]] == [path for path, *_ in lengths]
        for ours, (_, words, characters) in zip(contents["chapters"], lengths, strict=True):
            assert abs(ours["words"] - words) <= words / 100
            assert ours["characters"] == characters
        total = sum(words for _, words, _ in lengths)
        assert abs(contents["words"] - total) <= total / 100
        compared += 1
    assert compared == BOOKS


def make_pdf(chance: random.Random) -> bytes:
    """Makes a PDF with an outline."""
    pdf = pikepdf.new()
    pdf.add_blank_page()

    def items(tree: Tree) -> list[pikepdf.OutlineItem]:
        made = []
        for title, _, below in tree:
            item = pikepdf.OutlineItem(title, 0)
            item.children.extend(items(below))
            made.append(item)
        return made

    with pdf.open_outline() as outline:
        outline.root.extend(items(make_table(chance, 3)))
    data = io.BytesIO()
    pdf.save(data, object_stream_mode=chance.choice(list(pikepdf.ObjectStreamMode)))
    return data.getvalue()


def pdf_table(items: Any) -> Tree:
    """Reads an outline with qpdf."""
    return [(item.title, None, pdf_table(item.children)) for item in items]


def test_outline_of_a_pdf_is_that_of_qpdf(owner: User) -> None:
    files = {f"{seed}.pdf": make_pdf(random.Random(seed)) for seed in range(BOOKS)}
    compared = 0
    for data, result in analyses(owner, files):
        with pikepdf.open(io.BytesIO(data)) as pdf, pdf.open_outline() as outline:
            table = pdf_table(outline.root)
        assert tree_of(result["contents"]["entries"]) == table
        assert result["contents"]["entries_total"] == len(list(flat(table)))
        assert result["contents"]["words"] is None
        compared += 1
    assert compared == BOOKS
