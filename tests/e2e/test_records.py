"""The OPF and the ONIX message of a package, against the schema of ONIX and a reader of both."""

from importlib.resources import files
from typing import Any

import pytest
from lxml import etree

from api import User
from packages import Package, assert_sfv_is_correct, make_package, zip_files
from samples import RELEASE_NAME, TEXT_FILE
from test_contents import CONTAINER

ONIX = "{http://ns.editeur.org/onix/3.1/reference}"
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
OPF = "{http://www.idpf.org/2007/opf}"

ACCESSIBLE = """<package version="3.0" xmlns="http://www.idpf.org/2007/opf"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:title>Salt &amp; Sea</dc:title><dc:creator id="a">Jane Doe</dc:creator>
<meta refines="#a" property="role">aut</meta><dc:contributor id="b">Ed Itor</dc:contributor>
<meta refines="#b" property="role">edt</meta><dc:language>de</dc:language>
<dc:identifier>urn:isbn:9780306406157</dc:identifier><dc:publisher>A Press</dc:publisher>
<dc:date>2024-05-01</dc:date><dc:subject>Fiction</dc:subject><dc:subject>Sea</dc:subject>
<dc:description>&lt;p&gt;One &amp;amp; two.&lt;/p&gt;</dc:description>
<meta property="belongs-to-collection" id="c">Tides</meta>
<meta refines="#c" property="group-position">2</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">All is text.</meta>
<meta property="dcterms:conformsTo">EPUB Accessibility 1.1 - WCAG 2.1 Level AA</meta>
<meta property="a11y:certifiedBy">A Certifier</meta>
</metadata><manifest/><spine/></package>"""

FEATURES = [
    ("09", "04", None),
    ("09", "81", None),
    ("09", "85", None),
    ("09", "11", None),
    ("12", "00", None),
    ("09", "00", "All is text."),
    ("09", "90", "A Certifier"),
]


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The schema of ONIX 3.1 with its code lists."""
    path = files("onixcheck") / "schema/xsd3.1/ONIX_BookProduct_3.1_reference.xsd"
    return etree.XMLSchema(etree.parse(str(path)))


def book() -> dict[str, bytes]:
    """Makes an EPUB that says much of itself."""
    return {
        "book.epub": zip_files(
            {
                "mimetype": "application/epub+zip",
                "META-INF/container.xml": CONTAINER,
                "OPS/book.opf": ACCESSIBLE,
            }
        )
    }


def onix_of(package: Package, schema: etree.XMLSchema, name: str = RELEASE_NAME) -> etree._Element:
    """Returns the product in a package's ONIX message, which is valid."""
    message = etree.fromstring(package[f"{name}.onix.xml"])
    schema.assertValid(message)
    return message.find(f"{ONIX}Product")


def texts(element: etree._Element, *names: str) -> list[str]:
    """Returns the texts of the elements at a path below another."""
    path = "/".join(f"{ONIX}{name}" for name in names)
    return [found.text or "" for found in element.iterfind(f".//{path}")]


def features(product: etree._Element) -> list[tuple[str | None, ...]]:
    """Returns the types, codes and descriptions of a product's features."""
    parts = ("Type", "Value", "Description")
    found = product.iterfind(f".//{ONIX}ProductFormFeature")
    return [
        tuple(feature.findtext(f"{ONIX}ProductFormFeature{part}") for part in parts)
        for feature in found
    ]


def assert_describes_the_book(product: etree._Element) -> None:
    """Checks that a product has all that the book says."""
    assert texts(product, "IDValue") == [
        product.findtext(f"{ONIX}RecordReference"),
        "9780306406157",
    ]
    assert texts(product, "TitleText") == ["Tides", "Salt & Sea"]
    assert texts(product, "PartNumber") == ["2"]
    assert texts(product, "PersonName") == ["Jane Doe", "Ed Itor"]
    assert texts(product, "ContributorRole") == ["A01", "B01"]
    assert texts(product, "LanguageCode") == ["ger"]
    assert texts(product, "ProductFormDetail") == ["E101"]
    assert texts(product, "SubjectHeadingText") == ["Fiction; Sea"]
    assert texts(product, "Text") == ["One & two."]
    assert texts(product, "PublisherName") == ["A Press"]
    assert texts(product, "Date") == ["2024"]
    assert features(product) == FEATURES


def test_records_have_what_the_book_says(owner: User, schema: etree.XMLSchema) -> None:
    # The release has all that an NFO shows; the book is read for its accessibility all the same.
    metadata = {
        "title": "Salt & Sea",
        "authors": ["Jane Doe"],
        "publisher": "A Press",
        "year": 2024,
        "language": "de",
        "isbn": "0-306-40615-2",
        "format": "epub",
    }
    for given in ({}, metadata):
        release = owner.create_release(book(), metadata=given)
        options: dict[str, Any] = {"generate_opf": True, "generate_onix": True}
        package = make_package(owner, release, release_name=RELEASE_NAME, **options)
        assert_describes_the_book(onix_of(package, schema))
        assert_sfv_is_correct(package)
        opf = etree.fromstring(package[f"{RELEASE_NAME}.opf"])
        assert opf.findtext(f".//{DUBLIN_CORE}title") == "Salt & Sea"
        assert opf.findtext(f".//{DUBLIN_CORE}identifier") == "urn:isbn:9780306406157"
        summary = opf.find(f".//{OPF}meta[@property='schema:accessibilitySummary']")
        assert summary is not None
        assert summary.text == "All is text."


def test_repack_keeps_what_the_opf_says(owner: User, schema: etree.XMLSchema) -> None:
    release, other = owner.create_release(book(), metadata={}), "Another.Name-GRP"
    make_package(owner, release, release_name=RELEASE_NAME, generate_opf=True)
    package = make_package(owner, release, "repack", release_name=other, generate_onix=True)
    assert set(package) == {f"{other}.{ending}" for ending in ("zip", "nfo", "sfv", "onix.xml")} | {
        "FILE_ID.DIZ"
    }
    assert_describes_the_book(onix_of(package, schema, other))
    assert_sfv_is_correct(package, other)


def test_records_are_off_by_default_and_valid_with_little_metadata(
    owner: User, schema: etree.XMLSchema
) -> None:
    release = owner.create_release(TEXT_FILE, metadata={"isbn": "9780306406158", "language": "yue"})
    package = make_package(owner, release, release_name=RELEASE_NAME)
    assert not [path for path in package if path.endswith((".opf", ".xml"))]
    config = {"release_name": RELEASE_NAME, "generate_onix": True}
    job = owner.run_job(job_type="packaging", release_id=release, config_json=config)
    product = onix_of(owner.files(release, "package/"), schema)
    assert texts(product, "IDValue") == [RELEASE_NAME]
    assert texts(product, "TitleText") == [RELEASE_NAME]
    assert texts(product, "ProductFormDetail") == ["E112"]
    logged = [entry["message"] for entry in owner.log(job["id"])]
    expected = "The ISBN 9780306406158 is not valid, so the OPF and the ONIX have none"
    assert expected in logged
