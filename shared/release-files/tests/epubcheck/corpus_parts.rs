//! The books with faults in the package document, the navigation and the documents.

use super::book::{Book, C1, C2, DOCTYPE_2, NAV, NCX, OPF, PNG};
use super::corpus::{Case, case, v2, v3, with_chapter};

pub fn packages() -> Vec<Case> {
    let id3 = "urn:uuid:0f9ba4b0-9c1a-4e53-9c0c-5c5a7f0a4a11";
    let lang = "<dc:language>en</dc:language>";
    vec![
        case(
            "identifier-not-named-2",
            &v2().edit(OPF, r#" unique-identifier="id""#, ""),
        ),
        case("uuid-wrong", &v3().edit(OPF, id3, "urn:uuid:1234")),
        case(
            "date-empty-3",
            &v3().edit(OPF, "<dc:creator>", "<dc:date> </dc:date><dc:creator>"),
        ),
        case("language-empty-2", &v2().edit(OPF, lang, "<dc:language/>")),
        case("creator-empty-2", &v2().edit(OPF, "A. Writer", "")),
        case(
            "meta-undeclared-prefix",
            &v3().edit(
                OPF,
                "<dc:creator>",
                r#"<meta property="foo:colour">red</meta><dc:creator>"#,
            ),
        ),
        case(
            "spine-unknown-id-2",
            &v2().edit(OPF, r#"idref="c2""#, r#"idref="none""#),
        ),
        case(
            "spine-not-linear",
            &v3()
                .edit(OPF, r#"idref="c1""#, r#"idref="c1" linear="no""#)
                .edit(OPF, r#"idref="c2""#, r#"idref="c2" linear="no""#),
        ),
        case(
            "toc-of-other-type-2",
            &v2().edit(OPF, r#"<spine toc="ncx">"#, r#"<spine toc="css">"#),
        ),
        case(
            "guide-unknown-2",
            &v2().edit(
                OPF,
                r#"title="Start" href="c1.xhtml""#,
                r#"title="Start" href="c9.xhtml""#,
            ),
        ),
        case(
            "guide-image-2",
            &v2().edit(
                OPF,
                r#"title="Start" href="c1.xhtml""#,
                r#"title="Start" href="dot.png""#,
            ),
        ),
    ]
}

pub fn manifests() -> Vec<Case> {
    let c2 = r#"<item id="c2" href="c2.xhtml" media-type="application/xhtml+xml"/>"#;
    let dot = r#"<item id="dot" href="dot.png" media-type="image/png"/>"#;
    vec![
        case("item-missing-2", &v2().without(C2)),
        case("item-twice", &v3().edit(OPF, c2, &format!("{c2}{}", c2.replace(r#"id="c2""#, r#"id="c9""#)))),
        case("item-property-unknown", &v3().edit(OPF, c2, &c2.replace("/>", r#" properties="colour"/>"#))),
        case("item-fallback-unknown", &v3().edit(OPF, c2, &c2.replace("/>", r#" fallback="none"/>"#))),
        case("item-fallback-unknown-2", &v2().edit(OPF, dot, &dot.replace("/>", r#" fallback="none"/>"#))),
        case("item-address-with-fragment", &v2().edit(OPF, c2, &c2.replace("c2.xhtml", "c2.xhtml#s1"))),
        case("item-address-invalid", &v3().edit(OPF, r#"href="dot.png""#, r#"href="do%t.png""#)),
        case("properties-script-unused", &v3().edit(OPF, c2, &c2.replace("/>", r#" properties="scripted mathml"/>"#))),
        case("properties-remote-unused", &v3().edit(OPF, c2, &c2.replace("/>", r#" properties="remote-resources"/>"#))),
        case("properties-sound", &v3().edit(OPF, c2, &c2.replace("/>", r#" properties="svg mathml scripted"/>"#)).edit(C2, "</body>", r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg><math xmlns="http://www.w3.org/1998/Math/MathML" alttext="x"><mi>x</mi></math><script>var a = 1;</script></body>"#)),
    ]
}

pub fn media_types() -> Vec<Case> {
    let c2 = r#"<item id="c2" href="c2.xhtml" media-type="application/xhtml+xml"/>"#;
    let typed = |book: Book, media_type: &str| {
        book.edit(OPF, c2, &c2.replace("application/xhtml+xml", media_type))
    };
    vec![
        case("type-html-2", &typed(v2(), "text/html")),
        case("type-oeb-2", &typed(v2(), "text/x-oeb1-document")),
        case("type-foreign-spine", &typed(v3(), "application/foreign")),
        case(
            "type-foreign-fallback-foreign",
            &typed(v3(), "application/foreign").edit(
                OPF,
                r#"media-type="application/foreign""#,
                r#"media-type="application/foreign" fallback="dot""#,
            ),
        ),
        case(
            "type-image-spine-2",
            &v2().edit(OPF, "</spine>", r#"<itemref idref="dot"/></spine>"#),
        ),
        case(
            "image-is-text",
            &v3().with("OPS/dot.png", "not an image at all, but a text"),
        ),
        case(
            "extension-html",
            &with_chapter(v3(), "OPS/c3.html", "c3.html"),
        ),
    ]
}

pub fn navigation() -> Vec<Case> {
    vec![
        case("nav-remote-link", &v3().edit(NAV, "</ol>", r#"<li><a href="https://example.com/">Web</a></li></ol>"#)),
        case("nav-link-to-itself", &v3().edit(NAV, "</body>", r##"<nav epub:type="landmarks" hidden=""><ol><li><a epub:type="toc" href="#toc">Contents</a></li></ol></nav></body>"##)),
        case("ncx-other-identifier", &v2().edit(NCX, "4a11", "4a12")),
        case("ncx-identifier-with-blank", &v2().edit(NCX, "4a11\"", "4a11 \"")),
        case("ncx-empty-label", &v2().edit(NCX, "<navLabel><text>Two</text>", "<navLabel><text> </text>")),
        case("ncx-not-well-formed", &v2().edit(NCX, "</navMap>", "")),
        case("ncx-remote-link", &v2().edit(NCX, "c2.xhtml#s1", "https://example.com/a")),
    ]
}

pub fn links() -> Vec<Case> {
    let link =
        |book: Book, href: &str| book.with_text(&format!(r#"<p><a href="{href}">x</a></p>"#));
    let image =
        |book: Book, src: &str| book.with_text(&format!(r#"<p><img src="{src}" alt="x"/></p>"#));
    vec![
        case("link-fragment-escaped", &link(v3(), "c2.xhtml#caf%C3%A9").edit(C2, "</body>", "<p id=\"café\">x</p></body>")),
        case("link-escaped", &link(v3(), "c%32.xhtml")),
        case("link-invalid", &link(v3(), "http://exa mple.com/")),
        case("link-with-query", &link(v3(), "c2.xhtml?x=1")),
        case("link-empty", &link(v3(), "")),
        case("image-remote", &image(v3(), "https://example.com/x.png")),
        case("image-undeclared", &image(v3(), "left.png").with("OPS/left.png", PNG)),
        case("image-with-fragment", &image(v3(), "dot.png#x")),
        case("style-import-missing", &v3().with("OPS/style.css", "@import 'none.css'; p { background: url(none.png) }")),
        case("audio-missing", &v3().with_text("<audio src=\"none.mp3\" controls=\"controls\"></audio><video poster=\"no.png\"><source src=\"none.mp4\"/></video>")),
        case("srcset-missing", &v3().with_text("<p><img src=\"dot.png\" srcset=\"none.png 2x, dot.png 1x\" alt=\"x\"/></p>")),
        case("many-faults", &link(image(link(v3(), "c9.xhtml"), "none.png"), "#none").without("mimetype").edit(OPF, r#"idref="c2""#, r#"idref="none""#)),
        case("many-faults-2", &link(image(link(v2(), "c9.xhtml"), "none.png"), "#none").edit(OPF, r#"<spine toc="ncx">"#, "<spine>").with("OPS/x y.txt", "x")),
    ]
}

pub fn documents() -> Vec<Case> {
    vec![
        case("text-not-well-formed", &v3().with_text("<p>one<b>two</p>")),
        case(
            "text-unknown-entity",
            &v3().with_text("<p>one&nbsp;two</p>"),
        ),
        case("text-entity-2", &v2().with_text("<p>one&nbsp;two</p>")),
        case(
            "text-undeclared-prefix",
            &v3().with_text("<p epub:type='x'>one</p>"),
        ),
        case(
            "doctype-of-2-in-3",
            &v3().edit(C1, "<!DOCTYPE html>", DOCTYPE_2),
        ),
        case(
            "doctype-legacy",
            &v3().edit(
                C1,
                "<!DOCTYPE html>",
                "<!DOCTYPE html SYSTEM \"about:legacy-compat\">",
            ),
        ),
        case(
            "doctype-html5-in-2",
            &v2().edit(C1, DOCTYPE_2, "<!DOCTYPE html>"),
        ),
        case(
            "doctype-with-entity",
            &v3().edit(
                C1,
                "<!DOCTYPE html>",
                "<!DOCTYPE html [<!ENTITY x SYSTEM \"x.txt\">]>",
            ),
        ),
        case(
            "fixed-layout",
            &v3().edit(
                OPF,
                "<dc:creator>",
                r#"<meta property="rendition:layout">pre-paginated</meta><dc:creator>"#,
            ),
        ),
        case(
            "fixed-layout-half",
            &v3()
                .edit(
                    OPF,
                    "<dc:creator>",
                    r#"<meta property="rendition:layout">pre-paginated</meta><dc:creator>"#,
                )
                .edit(
                    C1,
                    "<title>",
                    "<meta name=\"viewport\" content=\"width=600\"/><title>",
                )
                .edit(
                    C2,
                    "<title>",
                    "<meta name=\"viewport\" content=\"width=600, height=800\"/><title>",
                ),
        ),
        case(
            "base",
            &v3().edit(C1, "<title>", "<base href=\"text/\"/><title>"),
        ),
        case(
            "languages-differ",
            &v3().edit(C1, "xml:lang=\"en\"", "xml:lang=\"en\" lang=\"fr\""),
        ),
        case(
            "script-in-2",
            &v2().with_text("<script type=\"text/javascript\">var a = 1;</script>"),
        ),
    ]
}
