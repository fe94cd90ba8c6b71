"""The readers of the analysis against independent ones, on files that these tests make.

PDFs are read by qpdf (pikepdf) and, where it is installed, by poppler's pdfinfo; EPUBs by lxml, and
archives by Python's zipfile.
"""

import io
import random
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from lxml import etree

from api import User

DC = "{http://purl.org/dc/elements/1.1/}"
WORDS = ["Salt", "Harbour", "Grey", "Étoile", "Żółw", "Лодка", "灯台", "Keeper", "Night", "Quill"]

Make = Callable[[random.Random], bytes]


def words(chance: random.Random, count: int) -> str:
    """Returns a text of some words."""
    return " ".join(chance.choice(WORDS) for _ in range(count))


def analyses(owner: User, files: dict[str, bytes]) -> Iterator[tuple[bytes, Any]]:
    """Analyses each file; returns it with the job's result."""
    release = owner.create_release(files)
    jobs = {
        path: owner.create_job(job_type="analysis", release_id=release, config_json={"path": path})
        for path in files
    }
    for path, job in jobs.items():
        owner.wait_for_end(job)
        done = owner.job(job)
        assert done["status"] == "completed", (path, done["error"])
        yield files[path], done["result"]


def make_pdf(chance: random.Random) -> bytes:
    """Makes a PDF: of any version and structure, with an Info dictionary or XMP, or both."""
    pdf = pikepdf.new()
    for _ in range(chance.randint(1, 30)):
        pdf.add_blank_page(page_size=(chance.randint(100, 900), chance.randint(100, 900)))
    title, author = words(chance, 3), words(chance, 2)
    is_modern = chance.random() < 0.3
    if not is_modern:
        for name, text in (("/Title", title), ("/Author", author), ("/Producer", "Maker 1")):
            value = pikepdf.String(text)
            pdf.docinfo[name] = pdf.make_indirect(value) if chance.random() < 0.5 else value
    if is_modern or chance.random() < 0.3:
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["dc:title"] = title
            metadata["dc:creator"] = [author]
            metadata["pdf:Producer"] = "Maker 1"
    language = pikepdf.String(chance.choice(["en", "fr-CA", "de"]))
    pdf.Root.Lang = pdf.make_indirect(language) if chance.random() < 0.5 else language
    options: dict[str, Any] = {
        "linearize": chance.random() < 0.3,
        "object_stream_mode": chance.choice(list(pikepdf.ObjectStreamMode)),
        "force_version": chance.choice(["1.4", "1.5", "1.7", "2.0"]),
    }
    if chance.random() < 0.2:
        options["encryption"] = pikepdf.Encryption(owner="owner", user="", R=chance.choice([4, 6]))
    data = io.BytesIO()
    pdf.save(data, **options)
    return data.getvalue()


def pdf_facts(data: bytes) -> dict[str, Any]:
    """Reads a PDF with qpdf."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        info = {str(name): str(value) for name, value in pdf.docinfo.items()}
        metadata = pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False)
        author = info.get("/Author") or next(iter(metadata.get("dc:creator") or []), None)
        return {
            "title": info.get("/Title") or metadata.get("dc:title"),
            "authors": [author],
            "producer": info.get("/Producer") or metadata.get("pdf:Producer"),
            "language": str(pdf.Root.Lang),
            "pages": len(pdf.pages),
            "version": pdf.pdf_version,
            "encrypted": pdf.is_encrypted,
        }


def found_in_pdf(result: Any) -> dict[str, Any]:
    """Returns the same facts from an analysis."""
    metadata, media = result["metadata"], result["mediainfo"]
    return {
        **{name: metadata[name] for name in ("title", "authors", "language")},
        **{name: media[name] for name in ("producer", "pages", "version", "encrypted")},
    }


def make_epub(chance: random.Random) -> bytes:
    """Makes an EPUB 2 or 3, its package document with one of several prefixes."""
    prefix = chance.choice(["dc", "d", "DC1"])
    version = chance.choice(["2.0", "3.0"])
    folder = chance.choice(["", "OEBPS/", "a b/"])
    creators = "".join(
        f"<{prefix}:creator>{words(chance, 2)}</{prefix}:creator>"
        for _ in range(chance.randint(1, 3))
    )
    isbn = "9780306406157"
    opf = f"""<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="{version}" unique-identifier="id">
<metadata xmlns:{prefix}="http://purl.org/dc/elements/1.1/">
<{prefix}:identifier id="id">urn:isbn:{isbn}</{prefix}:identifier>
<{prefix}:title>{words(chance, 3)}</{prefix}:title>
{creators}
<{prefix}:language>{chance.choice(["en", "fr", "de-AT"])}</{prefix}:language>
<{prefix}:publisher>{words(chance, 2)}</{prefix}:publisher>
</metadata>
<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine>{"".join('<itemref idref="c"/>' for _ in range(chance.randint(1, 4)))}</spine>
</package>"""
    container = f"""<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="{folder}b.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", container)
        book.writestr(f"{folder}b.opf", opf)
        book.writestr(f"{folder}c.xhtml", "<html xmlns='http://www.w3.org/1999/xhtml'/>")
    return data.getvalue()


def epub_facts(data: bytes) -> dict[str, Any]:
    """Reads an EPUB with zipfile and lxml."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        [path] = [name for name in book.namelist() if name.endswith(".opf")]
        package = etree.fromstring(book.read(path))

    def texts(name: str) -> list[str]:
        return [element.text for element in package.iter(DC + name)]

    return {
        "title": texts("title")[0],
        "authors": list(dict.fromkeys(texts("creator"))),
        "language": texts("language")[0],
        "publisher": texts("publisher")[0],
        "isbn": texts("identifier")[0].removeprefix("urn:isbn:"),
        "version": package.get("version"),
    }


def found_in_epub(result: Any) -> dict[str, Any]:
    """Returns the same facts from an analysis."""
    metadata = result["metadata"]
    names = ("title", "authors", "language", "publisher", "isbn")
    return {name: metadata[name] for name in names} | {"version": result["mediainfo"]["version"]}


def make_zip(chance: random.Random) -> bytes:
    """Makes an archive with entries of every kind that zipfile writes."""
    data = io.BytesIO()
    if chance.random() < 0.3:
        data.write(chance.randbytes(chance.randint(1, 300)))
    with zipfile.ZipFile(data, "a", allowZip64=True) as archive:
        archive.comment = chance.randbytes(chance.choice([0, 0, 50]))
        for number in range(chance.randint(1, 40)):
            method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            folder = chance.choice(["", "cd 1/", "a/b/c/"])
            name = f"{folder}{words(chance, 2)} {number}.txt"
            content = words(chance, chance.randint(0, 2_000)).encode()
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=chance.random() < 0.2) as f:
                f.write(content)
            if chance.random() < 0.5:
                archive.writestr(f"{folder}{number}.bin", content, method)
    return data.getvalue()


def zip_facts(data: bytes) -> dict[str, Any]:
    """Reads an archive with zipfile."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
    return {
        "files": sorted(
            (entry.filename, entry.file_size, entry.compress_size, f"{entry.CRC:08X}")
            for entry in files
        ),
        "total_size": sum(entry.file_size for entry in files),
    }


def found_in_zip(result: Any) -> dict[str, Any]:
    """Returns the same facts from an analysis."""
    structure = result["structure"]
    names = ("path", "size", "compressed_size", "crc32")
    return {
        "files": sorted(tuple(file[name] for name in names) for file in structure["files"]),
        "total_size": structure["total_size"],
    }


@pytest.mark.parametrize(
    ("suffix", "make", "facts", "found"),
    [
        ("pdf", make_pdf, pdf_facts, found_in_pdf),
        ("epub", make_epub, epub_facts, found_in_epub),
        ("zip", make_zip, zip_facts, found_in_zip),
    ],
)
def test_analysis_finds_what_an_independent_reader_finds(
    owner: User,
    suffix: str,
    make: Make,
    facts: Callable[[bytes], dict[str, Any]],
    found: Callable[[Any], dict[str, Any]],
) -> None:
    files = {f"{seed}.{suffix}": make(random.Random(seed)) for seed in range(40)}
    compared = [(found(result), facts(data)) for data, result in analyses(owner, files)]
    assert len(compared) == 40
    for ours, theirs in compared:
        assert ours == theirs


@pytest.mark.local
@pytest.mark.skipif(not shutil.which("pdfinfo"), reason="pdfinfo is not installed")
def test_analysis_finds_what_pdfinfo_finds(owner: User, tmp_path: Path) -> None:
    files = {f"{seed}.pdf": make_pdf(random.Random(seed)) for seed in range(20)}
    for data, result in analyses(owner, files):
        path = tmp_path / "a.pdf"
        path.write_bytes(data)
        done = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True)
        printed = dict(re.findall(r"^([\w ]+?): +(.*)$", done.stdout, re.MULTILINE))
        media = result["mediainfo"]
        assert str(media["pages"]) == printed["Pages"]
        assert media["version"] == printed["PDF version"]
        assert media["encrypted"] == printed["Encrypted"].startswith("yes")
        if "Title" in printed:
            assert result["metadata"]["title"] == printed["Title"]
