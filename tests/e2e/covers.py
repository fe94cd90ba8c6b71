"""Books with covers of every kind, and a reader of covers by the specifications.

The reader follows EPUB 3.3 ("The cover-image property"), OPF 2.0.1 ("Guide"), the `meta` that
EPUB 2 books have by convention, and ComicInfo 2.1. It shares no code with the analysis.
"""

import io
import posixpath
import random
import re
import urllib.parse
import zipfile
from typing import Any

from lxml import etree
from PIL import Image, ImageDraw, ImageOps

OPF = "{http://www.idpf.org/2007/opf}"
XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}href"
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
# Each way to name the cover, the strongest first.
WAYS = ("property", "meta", "meta-href", "guide-page", "guide-image", "first-page", "name")
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
ORIENTATION = 0x0112  # the tag of Exif
MAX_SIDE = 400
MAX_BYTES = 60_000


def make_image(chance: random.Random) -> bytes:
    """Makes an image in one of the formats and color models of covers."""
    size = chance.choice([(30, 40), (400, 400), (401, 300), (600, 900), (1200, 700), (80, 900)])
    image = Image.new("RGB", size, (250, 250, 240))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        corner = chance.randrange(size[0]), chance.randrange(size[1])
        end = chance.randint(corner[0], size[0]), chance.randint(corner[1], size[1])
        color = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        draw.rectangle((*corner, *end), fill=color)
    kind, mode = chance.choice(
        [
            ("JPEG", "RGB"),
            ("JPEG", "L"),
            ("JPEG", "CMYK"),
            ("PNG", "RGB"),
            ("PNG", "RGBA"),
            ("PNG", "P"),
            ("PNG", "I;16"),
            ("GIF", "P"),
            ("WEBP", "RGB"),
        ]
    )
    options: dict[str, Any] = {}
    if kind == "JPEG":
        exif = Image.Exif()
        exif[ORIENTATION] = chance.randint(1, 8)
        options = {"progressive": chance.random() < 0.5, "exif": exif, "quality": 90}
    if mode == "RGBA":
        image.putalpha(Image.new("L", size, chance.randrange(256)))
    elif mode == "I;16":
        gray = image.convert("L").tobytes()
        # The low byte of a value is random, and the high byte its gray.
        image = Image.frombytes(
            mode, size, bytes(b for g in gray for b in (chance.randrange(9), g))
        )
    else:
        image = image.convert(mode)
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def page(href: str, text: str = "") -> bytes:
    """Writes a page with an image, as an SVG or not."""
    svg = f'<svg xmlns="{SVG[1:-1]}" xmlns:x="{XLINK[1:-5]}"><image x:href="{href}"/></svg>'
    image = svg if len(href) % 2 else f'<img src="{href}" alt=""/>'
    return (
        f'<html xmlns="{XHTML[1:-1]}"><head><title>No text</title></head>'
        f"<body>{text}<div>{image}</div></body></html>"
    ).encode()


def make_epub(chance: random.Random) -> bytes:
    """Makes an EPUB that names covers in some ways, each its own image."""
    ways = [way for way in WAYS if chance.random() < 0.4]
    files: dict[str, bytes] = {}
    items, metas, references = [], [], []

    def add_image(way: str) -> str:
        """Adds an image with a name that needs encoding; returns its address."""
        name = f"{'My Cover' if way == 'name' else 'bild é'} {len(files)}.img"
        files[f"OPS/im ages/{name}"] = make_image(chance)
        return "im%20ages/" + urllib.parse.quote(name)

    for way in ways:
        href = add_image(way)
        media = ' media-type="image/jpeg"'
        if way == "property":
            items.append(f'<item id="p" href="{href}"{media} properties="svg cover-image"/>')
        elif way == "meta":
            items.append(f'<item id="m 1" href="{href}"{media}/>')
            metas.append('<meta name="cover" content="m 1"/>')
        elif way == "meta-href" and "meta" not in ways:
            metas.append(f'<meta name="cover" content="{href}"/>')
        elif way == "guide-page":
            files["OPS/text/cov.xhtml"] = page(f"../{href}", "<p>A page with a text of words</p>")
            references.append('<reference type="cover" href="text/cov.xhtml#top"/>')
        elif way == "guide-image" and "guide-page" not in ways:
            references.append(f'<reference href="{href}" title="x" type="cover"/>')
        elif way == "name":
            items.append(f'<item id="n" href="{href}"{media}/>')
        elif way == "first-page":
            files["OPS/first.xhtml"] = page(href, "<h1>Cover</h1>")
    files.setdefault("OPS/first.xhtml", b"<html><body><p>One two three four</p></body></html>")
    first = '<item id="f" href="first.xhtml" media-type="application/xhtml+xml"/>'
    package = (
        f'<package xmlns="{OPF[1:-1]}" version="{chance.choice(["2.0", "3.0"])}">'
        f"<metadata>{''.join(metas)}</metadata><manifest>{''.join(items)}{first}</manifest>"
        f'<spine><itemref idref="f"/></spine><guide>{"".join(references)}</guide></package>'
    )
    files["OPS/book.opf"] = package.encode()
    return archive({"mimetype": b"application/epub+zip", **files})


def make_comic(chance: random.Random) -> bytes:
    """Makes a CBZ, in any order, with or without a page that is named as the cover."""
    numbers = list(range(8, 13))
    chance.shuffle(numbers)
    folder = chance.choice(["", "A Comic/"])
    files = {f"{folder}page {number}.jpg": make_image(chance) for number in numbers}
    if chance.random() < 0.6:
        number = chance.randrange(8)
        files["ComicInfo.xml"] = (
            f'<ComicInfo><Pages><Page Image="0"/><Page Image="{number}" Type="FrontCover"/>'
            "</Pages></ComicInfo>"
        ).encode()
    return archive(files)


def archive(files: dict[str, bytes]) -> bytes:
    """Packs files, with a container if they have a package document."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for path, content in files.items():
            book.writestr(path, content)
        if "OPS/book.opf" in files:
            book.writestr("META-INF/container.xml", CONTAINER)
    return data.getvalue()


def read_cover(data: bytes) -> tuple[str, bytes] | None:
    """Returns the path and the bytes of the cover of an EPUB or a CBZ."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        names = book.namelist()
        path = epub_cover(book) if "META-INF/container.xml" in names else comic_cover(book)
        return (path, book.read(path)) if path else None


def comic_cover(book: zipfile.ZipFile) -> str | None:
    """Returns the page that ComicInfo names, or the first by its numbers."""

    def order(name: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D+", name.lower())
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    pages = sorted((name for name in book.namelist() if name.endswith(".jpg")), key=order)
    if "ComicInfo.xml" in book.namelist():
        for element in etree.fromstring(book.read("ComicInfo.xml")).iter("Page"):
            number = int(element.get("Image", "0"))
            if element.get("Type") == "FrontCover" and number < len(pages):
                return pages[number]
    return pages[0] if pages else None


def epub_cover(book: zipfile.ZipFile) -> str | None:
    """Returns the cover that the package document names, in the strongest way."""
    container = etree.fromstring(book.read("META-INF/container.xml"))
    opf = next(str(each.get("full-path")) for each in container.iter("{*}rootfile"))
    package = etree.fromstring(book.read(opf))
    items = list(package.iter("{*}item"))
    by_id = {item.get("id"): item.get("href") for item in items}
    hrefs = [item.get("href") for item in items if "cover-image" in words(item, "properties")]
    for meta in package.iter("{*}meta"):
        if meta.get("name") == "cover":
            content = meta.get("content")
            hrefs.append(by_id.get(content, content))
            break
    hrefs += [each.get("href") for each in package.iter("{*}reference") if is_cover(each)]
    for href in hrefs:
        if href and (found := image_of(book, resolve(opf, href))):
            return found
    spine = [by_id.get(each.get("idref")) for each in package.iter("{*}itemref")]
    if spine and spine[0]:
        first = resolve(opf, spine[0])
        if is_image_page(book, first) and (found := image_of(book, first)):
            return found
    for item in items:
        name = posixpath.basename(str(item.get("href"))).lower()
        if "cover" in name and str(item.get("media-type")).startswith("image/"):
            return image_of(book, resolve(opf, str(item.get("href"))))
    return None


def words(element: Any, name: str) -> list[str]:
    """Returns the words of an attribute."""
    return str(element.get(name, "")).split()


def is_cover(reference: Any) -> bool:
    """Returns whether a reference of a guide is that of the cover."""
    return str(reference.get("type", "")).lower() == "cover"


def resolve(document: str, href: str) -> str:
    """Returns the path that an address in a document means."""
    path = urllib.parse.unquote(urllib.parse.urldefrag(href).url)
    return posixpath.normpath(posixpath.join(posixpath.dirname(document), path))


def image_of(book: zipfile.ZipFile, path: str) -> str | None:
    """Returns the path of an image, or that of the first image of a page."""
    if path not in book.namelist():
        return None
    try:
        with Image.open(io.BytesIO(book.read(path))):
            return path
    except OSError:
        pass
    for element in parsed(book.read(path)).iter():
        name = etree.QName(element).localname if isinstance(element.tag, str) else ""
        href = {"img": element.get("src"), "image": element.get(XLINK, element.get("href"))}
        if href.get(name):
            found = resolve(path, str(href[name]))
            return found if found in book.namelist() else None
    return None


def parsed(page: bytes) -> Any:
    """Parses a page."""
    return etree.fromstring(page, etree.XMLParser(recover=True, resolve_entities=False))


def is_image_page(book: zipfile.ZipFile, path: str) -> bool:
    """Returns whether a page has hardly any text."""
    if path not in book.namelist():
        return False
    body = next(parsed(book.read(path)).iter("{*}body"), None)
    text = "" if body is None else " ".join(body.itertext())
    return len(text.split()) <= 3


def drawn(cover: bytes, size: tuple[int, int]) -> Image.Image:
    """Draws a thumbnail of this size with Pillow: turned upright, on white."""
    with Image.open(io.BytesIO(cover)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            upright = upright.point(lambda value: value / 256).convert("L")
        layer = upright.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB").resize(size, Image.Resampling.BOX)


def assert_is_thumbnail(jpeg: bytes, cover: bytes) -> None:
    """Asserts that a JPEG is small and shows this image."""
    assert len(jpeg) <= MAX_BYTES
    with Image.open(io.BytesIO(jpeg)) as found, Image.open(io.BytesIO(cover)) as image:
        assert found.format == "JPEG"
        upright = ImageOps.exif_transpose(image).size
        scale = min(1.0, MAX_SIDE / max(upright))
        for side, whole in zip(found.size, upright, strict=True):
            assert abs(side - max(1.0, whole * scale)) <= 1
        own = drawn(cover, found.size)
        # Averages of blocks: a color model or a filter changes single pixels.
        blocks = (min(8, found.width), min(8, found.height))
        ours, theirs = (
            each.convert("RGB").resize(blocks, Image.Resampling.BOX).tobytes()
            for each in (found, own)
        )
        differences = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
        assert sum(differences) / len(differences) < 12, (image.format, image.mode)
