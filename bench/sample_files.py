"""Sample files for benchmarks: the same bytes in every run."""

import io
import itertools
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

MIB = 1 << 20
BOOK_CHAPTERS = 300
BOOK_CHAPTER_WORDS = 2_000
XHTML = "http://www.w3.org/1999/xhtml"
EPUB_TYPES = "http://www.idpf.org/2007/ops"
BOOK_CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
BOOK_PACKAGE = """<package version="3.0" xmlns="http://www.idpf.org/2007/opf"><metadata>
<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">A Large Book</dc:title></metadata><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}
</manifest><spine>{spine}</spine></package>"""
# The start of a JPEG of 600 by 800 pixels: its header, and a frame.
JPEG_HEADER = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffc0001108032002580301220002110103110100"
)
# Different blocks of a text and pages of a comic. Deflate looks back 32 KiB, so it does not find
# that they repeat.
TEXT_BLOCKS, COMIC_PAGES = 8, 16
# A text that zip compresses to 0.35 of its size, about as fast as English prose. The frequencies of
# the words follow Zipf's law. Nine in ten words are one of the 30 successors of the last one.
VOCABULARY, SUCCESSORS, NEW_TOPIC = 30_000, 30, 0.1
FREQUENT_WORDS = 200  # are short
ONSETS = ("", *"bcdfghjklmnprstvw", "st", "tr", "ch", "th", "sh", "pl", "br", "cr", "gr", "qu")
VOWELS = (*"aeiou", "ea", "ou", "ai", "ee", "io")
CODAS = (*"nrstldmpeyx", "ng", "nd", "st", "ck", *[""] * 8)
# A page of a comic, and the width of a photo, in pixels. With this grain and quality, a pixel takes
# some 0.8 bytes, and zip gains 0.3 %, as with most JPEGs.
PAGE_SIZE = (1_000, 1_100)
PHOTO_WIDTH, PHOTO_BYTES_PER_PIXEL = 8_000, 0.811
GRAIN, JPEG_QUALITY, SHADE = 0.3, 97, 16
# A frame of MPEG-1 Layer III (ISO/IEC 11172-3) at 128 kbit/s and 44.1 kHz in joint stereo: 417
# bytes, and one more with the padding bit. Of 49 frames, 47 are padded.
MP3_FRAME, MP3_PADDED_FRAME = bytes.fromhex("fffb9064"), bytes.fromhex("fffb9264")
MP3_FRAME_BYTES, MP3_CYCLE, MP3_PADDED = 417, 49, 47
# ID3v2.3: the tag's size is that of its only frame, a title of 10 bytes with its encoding.
ID3_TAG = b"ID3\x03\0\0\0\0\0\x14TIT2\0\0\0\x0a\0\0\0A Recital"


def write_sample(path: Path, mib: int) -> None:
    """Writes a file that compresses to about two thirds, like scanned pages with text between."""
    source = random.Random(mib)
    noise = [source.randbytes(MIB * 2 // 3) for _ in range(8)]
    words = [b"%x and so on, " % source.randrange(1 << 16) for _ in range(512)]
    text = b"".join(source.choices(words, k=MIB // 40))[: MIB // 3 + 1]
    with path.open("wb") as file:
        for at in range(mib):
            file.write((noise[at % 8] + text).ljust(MIB, b".")[:MIB])


def write_book(path: Path, mib: int, *, is_epub: bool) -> None:
    """Writes an EPUB, mostly of images, or a plain archive of its files."""
    chance = random.Random(mib)
    words = [f"{chance.randrange(1 << 24):x}" for _ in range(4_096)]
    items, chapters = "", [f"text/{number}.xhtml" for number in range(BOOK_CHAPTERS)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        if is_epub:
            book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
            book.writestr("META-INF/container.xml", BOOK_CONTAINER)
        for number, chapter in enumerate(chapters):
            text = " ".join(chance.choices(words, k=BOOK_CHAPTER_WORDS))
            image = f"images/{number}.jpg"
            body = f"<p>{text}</p><img src='../{image}' alt=''/>"
            book.writestr(f"OPS/{chapter}", f"<html xmlns='{XHTML}'><body>{body}</body></html>")
            noise = chance.randbytes(mib * MIB // BOOK_CHAPTERS)
            book.writestr(f"OPS/{image}", JPEG_HEADER + noise, zipfile.ZIP_STORED)
            items += f"<item id='c{number}' href='{chapter}' media-type='application/xhtml+xml'/>"
            items += f"<item id='i{number}' href='{image}' media-type='image/jpeg'/>"
        links = "".join(f"<li><a href='{chapter}'>A chapter</a></li>" for chapter in chapters)
        nav = f"<nav epub:type='toc' xmlns:epub='{EPUB_TYPES}'><ol>{links}</ol></nav>"
        book.writestr("OPS/nav.xhtml", f"<html xmlns='{XHTML}'><body>{nav}</body></html>")
        spine = "".join(f"<itemref idref='c{number}'/>" for number in range(BOOK_CHAPTERS))
        book.writestr("OPS/book.opf", BOOK_PACKAGE.format(items=items, spine=spine))


def sentences(chance: random.Random) -> Iterator[str]:
    """Yields sentences of made-up words."""
    words = [make_word(chance, rank) for rank in range(VOCABULARY)]
    ranks = range(VOCABULARY)
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in ranks))
    successors = [chance.choices(ranks, cum_weights=weights, k=SUCCESSORS) for _ in ranks]
    last = 0
    while True:
        sentence = []
        for topic in chance.choices(ranks, cum_weights=weights, k=chance.randint(4, 24)):
            likely = successors[last][int(SUCCESSORS * chance.random() ** 2)]
            last = topic if chance.random() < NEW_TOPIC else likely
            sentence.append(words[last])
        yield " ".join(sentence).capitalize() + chance.choice((". ", ". ", "! ", "?\n"))


def make_word(chance: random.Random, rank: int) -> str:
    """Returns a word of one to three syllables."""
    syllables = 1 + (rank > FREQUENT_WORDS) + (chance.random() < 0.4)
    parts = (ONSETS, VOWELS, CODAS) * syllables
    return "".join(chance.choice(part) for part in parts)


def write_text(path: Path, mib: int) -> None:
    """Writes a plain text."""
    source = sentences(random.Random(mib))
    blocks = [text_block(source) for _ in range(TEXT_BLOCKS)]
    with path.open("wb") as file:
        for at in range(mib):
            file.write(blocks[at % TEXT_BLOCKS])


def text_block(source: Iterator[str]) -> bytes:
    """Returns a MiB of sentences."""
    text, size = [], 0
    while size < MIB:
        text.append(next(source).encode())
        size += len(text[-1])
    return b"".join(text)[:MIB]


def draw(chance: random.Random, width: int, height: int) -> bytes:
    """Returns a JPEG: soft shades with grain, as in a scan or a photo."""
    small = (width // SHADE, height // SHADE)
    coarse = Image.frombytes("L", small, chance.randbytes(small[0] * small[1]))
    shades = coarse.resize((width, height), Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    made = io.BytesIO()
    Image.blend(shades, grain, GRAIN).save(made, "JPEG", quality=JPEG_QUALITY)
    return made.getvalue()


def write_comic(path: Path, mib: int) -> None:
    """Writes a CBZ of JPEGs."""
    chance = random.Random(mib)
    pages = [draw(chance, *PAGE_SIZE) for _ in range(COMIC_PAGES)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as comic:
        for number, page in enumerate(itertools.cycle(pages)):
            if comic.fp and comic.fp.tell() >= mib * MIB:
                return
            comic.writestr(f"{number:03}.jpg", page)


def write_photo(path: Path, mib: int) -> None:
    """Writes a JPEG of nearly this size."""
    height = int(mib * MIB / PHOTO_BYTES_PER_PIXEL / PHOTO_WIDTH)
    path.write_bytes(draw(random.Random(mib), PHOTO_WIDTH, height))


def write_music(path: Path, mib: int) -> None:
    """Writes an MP3: frames with true headers and random content."""
    chance = random.Random(mib)
    with path.open("wb") as file:
        file.write(ID3_TAG)
        for number in range(mib * MIB // MP3_FRAME_BYTES):
            is_padded = number % MP3_CYCLE < MP3_PADDED
            header = MP3_PADDED_FRAME if is_padded else MP3_FRAME
            file.write(header + chance.randbytes(MP3_FRAME_BYTES - len(header) + is_padded))
