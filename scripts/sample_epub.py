"""A small, complete EPUB 3: the file that `make run` uploads by default."""

import io
import zipfile

TITLE = "The Lighthouse Keeper's Ledger"
CHAPTERS = {
    "chapter1.xhtml": ("The Lamp", "The lamp was lit at dusk, and the sea took note of it."),
    "chapter2.xhtml": (
        "The Ledger",
        "Every ship that passed was written down, with the hour and the weather.",
    ),
}

CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""

PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package version="3.0" unique-identifier="id" xmlns="http://www.idpf.org/2007/opf">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">urn:isbn:9783161484100</dc:identifier>
    <dc:title>{title}</dc:title>
    <dc:creator>Ada Example</dc:creator>
    <dc:publisher>Sample House</dc:publisher>
    <dc:date>2026-01-15</dc:date>
    <dc:language>en</dc:language>
    <meta property="dcterms:modified">2026-01-15T00:00:00Z</meta>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
{items}
  </manifest>
  <spine>
{spine}
  </spine>
</package>
"""

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en">
<head><title>{title}</title></head>
<body>
{body}
</body>
</html>
"""


def sample_epub() -> bytes:
    """Returns the bytes of the EPUB; only the times in its zip headers vary."""
    items, spine, links, pages = [], [], [], {}
    for number, (name, (title, sentence)) in enumerate(CHAPTERS.items(), 1):
        items.append(f'    <item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>')
        spine.append(f'    <itemref idref="c{number}"/>')
        links.append(f'    <li><a href="{name}">{title}</a></li>')
        text = "\n".join(f"<p>{sentence}</p>" for _ in range(400))
        pages[name] = PAGE.format(title=title, body=f"<h1>{title}</h1>\n{text}")
    contents = '  <nav epub:type="toc"><ol>\n' + "\n".join(links) + "\n  </ol></nav>"
    pages["nav.xhtml"] = PAGE.format(title=TITLE, body=contents)
    package = PACKAGE.format(title=TITLE, items="\n".join(items), spine="\n".join(spine))

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        # The format requires that this entry comes first and is not compressed.
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("OEBPS/package.opf", package)
        for name, page in pages.items():
            book.writestr(f"OEBPS/{name}", page)
    return made.getvalue()
