//! Makes PDFs with pages and fonts of every kind.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

/// A PDF in the making, with one page tree.
struct Maker {
    document: Document,
    tree: ObjectId,
    kids: Vec<Object>,
    catalog: Dictionary,
    node: Dictionary,
}

impl Maker {
    fn new() -> Self {
        let mut document = Document::with_version("1.6");
        let tree = document.new_object_id();
        Self {
            document,
            tree,
            kids: Vec::new(),
            catalog: dictionary! { "Type" => "Catalog", "Pages" => tree },
            node: dictionary! { "Type" => "Pages" },
        }
    }

    fn page(mut self, entries: &Dictionary) -> Self {
        let content = Stream::new(dictionary! {}, b"q Q".to_vec());
        let content = self.document.add_object(content);
        let mut page =
            dictionary! { "Type" => "Page", "Parent" => self.tree, "Contents" => content };
        page.extend(entries);
        let page = self.document.add_object(page);
        self.kids.push(page.into());
        self
    }

    /// Adds a page with these resources.
    fn page_with(self, resources: Dictionary) -> Self {
        self.page(
            &dictionary! { "Resources" => resources, "MediaBox" => rectangle([0., 0., 300., 400.]) },
        )
    }

    fn finish(mut self) -> Vec<u8> {
        let count = i64::try_from(self.kids.len()).unwrap();
        self.node.set("Kids", self.kids);
        self.node.set("Count", count);
        self.document.objects.insert(self.tree, self.node.into());
        let catalog = self.document.add_object(self.catalog);
        self.document.trailer.set("Root", catalog);
        let mut bytes = Vec::new();
        self.document.save_to(&mut bytes).unwrap();
        bytes
    }

    fn add(&mut self, object: impl Into<Object>) -> ObjectId {
        self.document.add_object(object)
    }

    /// Adds a descriptor of a font with a program in this entry, or without one.
    fn descriptor(&mut self, name: &str, program: Option<&str>) -> ObjectId {
        let mut descriptor = dictionary! { "Type" => "FontDescriptor", "FontName" => name,
        "Flags" => 32, "ItalicAngle" => 0, "Ascent" => 700, "Descent" => -200,
        "CapHeight" => 700, "StemV" => 80, "FontBBox" => rectangle([0., 0., 1000., 1000.]) };
        if let Some(entry) = program {
            let stream = Stream::new(dictionary! {}, b"no font at all".to_vec());
            descriptor.set(entry, self.add(stream));
        }
        self.add(descriptor)
    }

    /// Adds a font with a program in this entry, or without one.
    fn font(&mut self, subtype: &str, name: &str, program: Option<&str>) -> ObjectId {
        let descriptor = self.descriptor(name, program);
        self.add(
            dictionary! { "Type" => "Font", "Subtype" => subtype, "BaseFont" => name,
            "FirstChar" => 65, "LastChar" => 65, "Widths" => vec![600.into()],
            "Encoding" => "WinAnsiEncoding", "FontDescriptor" => descriptor },
        )
    }

    /// Adds a composite font.
    fn composite(&mut self, subtype: &str, name: &str, program: Option<&str>) -> ObjectId {
        let descriptor = self.descriptor(name, program);
        let system = dictionary! { "Registry" => Object::string_literal("Adobe"),
        "Ordering" => Object::string_literal("Identity"), "Supplement" => 0 };
        let descendant = dictionary! { "Type" => "Font", "Subtype" => subtype, "BaseFont" => name,
        "CIDSystemInfo" => system, "FontDescriptor" => descriptor };
        let descendant = self.add(descendant);
        self.add(
            dictionary! { "Type" => "Font", "Subtype" => "Type0", "BaseFont" => name,
            "Encoding" => "Identity-H", "DescendantFonts" => vec![descendant.into()] },
        )
    }

    fn form(&mut self, resources: impl Into<Object>) -> ObjectId {
        let entries = dictionary! { "Type" => "XObject", "Subtype" => "Form",
        "BBox" => rectangle([0., 0., 9., 9.]), "Resources" => resources.into() };
        self.add(Stream::new(entries, b"q Q".to_vec()))
    }
}

fn rectangle(numbers: [f32; 4]) -> Vec<Object> {
    numbers.iter().map(|&number| number.into()).collect()
}

fn named(name: &str, object: impl Into<Object>) -> Dictionary {
    let mut dictionary = Dictionary::new();
    dictionary.set(name, object.into());
    dictionary
}

fn helvetica() -> Dictionary {
    dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" }
}

/// Makes the PDFs, each with a name. The last one has fonts of every kind.
pub fn pdfs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("boxes", boxes()),
        ("same-sizes", same_sizes()),
        ("inherited", inherited()),
        ("odd-boxes", odd_boxes()),
        ("tagged", tagged()),
        ("simple-fonts", simple_fonts()),
        ("inline-fonts", inline_fonts()),
        ("nested-forms", nested_forms()),
        ("annotations", annotations()),
        ("shared", shared()),
        ("fonts", fonts()),
    ]
}

fn boxes() -> Vec<u8> {
    let media = rectangle([0., 0., 595.276, 841.89]);
    Maker::new()
        .page(&dictionary! { "MediaBox" => media.clone() })
        .page(&dictionary! { "MediaBox" => media.clone(), "Rotate" => 90 })
        .page(&dictionary! { "MediaBox" => media, "CropBox" => rectangle([50., 50., 500., 900.]) })
        .finish()
}

fn same_sizes() -> Vec<u8> {
    Maker::new()
        .page(&dictionary! { "MediaBox" => rectangle([0., 0., 612., 792.]) })
        .page(&dictionary! { "MediaBox" => rectangle([0., 0., 792.5, 611.5]), "Rotate" => -90 })
        .page(&dictionary! { "MediaBox" => rectangle([-6., -8., 606., 784.]), "Rotate" => 180 })
        .finish()
}

fn inherited() -> Vec<u8> {
    let mut maker = Maker::new();
    let font = maker.add(helvetica());
    let media = maker.add(rectangle([0., 0., 400., 600.]));
    maker.node.set("MediaBox", media);
    maker.node.set("CropBox", rectangle([10., 10., 390., 590.]));
    maker.node.set("Rotate", 270);
    let resources = named("Font", named("F", font));
    maker.node.set("Resources", resources);
    maker
        .page(&dictionary! {})
        .page(&dictionary! { "Rotate" => 0, "Resources" => dictionary! {} })
        .finish()
}

fn odd_boxes() -> Vec<u8> {
    Maker::new()
        .page(&dictionary! { "MediaBox" => rectangle([300.5, 400.25, 0., 0.]) })
        .page(&dictionary! { "MediaBox" => vec![0.into(), 0.into()] })
        .page(&dictionary! {})
        .finish()
}

fn tagged() -> Vec<u8> {
    let mut maker = Maker::new();
    let marks = maker.add(dictionary! { "Marked" => true });
    maker.catalog.set("MarkInfo", marks);
    let root = maker.add(dictionary! { "Type" => "StructTreeRoot" });
    maker.catalog.set("StructTreeRoot", root);
    maker.page(&dictionary! {}).finish()
}

fn simple_fonts() -> Vec<u8> {
    let mut maker = Maker::new();
    let one = maker.font("Type1", "ABCDEF+One", Some("FontFile"));
    let two = maker.font("TrueType", "Two", Some("FontFile2"));
    let three = maker.font("Type1", "Three", Some("FontFile3"));
    let four = maker.font("TrueType", "Four", None);
    let fonts = dictionary! { "A" => one, "B" => two, "C" => three, "D" => four };
    maker.page_with(named("Font", fonts)).finish()
}

fn inline_fonts() -> Vec<u8> {
    let courier = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier" };
    let fonts = dictionary! { "A" => helvetica(), "B" => courier };
    Maker::new()
        .page_with(named("Font", fonts))
        .page_with(named("Font", named("Z", helvetica())))
        .finish()
}

fn nested_forms() -> Vec<u8> {
    let mut maker = Maker::new();
    let font = maker.font("Type1", "Deep", None);
    let fonts = maker.add(named("F", font));
    let mut form = maker.form(named("Font", fonts));
    for _ in 0..20 {
        form = maker.form(named("XObject", named("X", form)));
    }
    let other = maker.font("TrueType", "Pattern", Some("FontFile2"));
    let entries = dictionary! { "PatternType" => 1, "PaintType" => 1, "TilingType" => 1,
    "BBox" => rectangle([0., 0., 9., 9.]), "XStep" => 9, "YStep" => 9,
    "Resources" => named("Font", named("F", other)) };
    let pattern = maker.add(Stream::new(entries, b"q Q".to_vec()));
    let image = dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => 1,
    "Height" => 1, "BitsPerComponent" => 8, "ColorSpace" => "DeviceGray" };
    let image = maker.add(Stream::new(image, vec![0]));
    let objects = dictionary! { "X" => form, "I" => image };
    maker
        .page_with(dictionary! { "XObject" => objects, "Pattern" => named("P", pattern) })
        .finish()
}

fn annotations() -> Vec<u8> {
    let mut maker = Maker::new();
    let mut annotation = |name: &str, state: Option<&str>| {
        let font = maker.font("Type1", name, None);
        let form = maker.form(named("Font", named("F", font)));
        let normal = state.map_or(Object::from(form), |state| named(state, form).into());
        let mut annotation = dictionary! { "Type" => "Annot", "Subtype" => "Stamp",
        "Rect" => rectangle([0., 0., 9., 9.]), "AP" => named("N", normal) };
        if let Some(state) = state {
            annotation.set("AS", state);
        }
        maker.add(annotation)
    };
    let annotations = [annotation("Stamp", None), annotation("Check", Some("On"))];
    let annotations: Vec<Object> = annotations.into_iter().map(Into::into).collect();
    maker
        .page(&dictionary! { "Annots" => annotations })
        .finish()
}

fn shared() -> Vec<u8> {
    let mut maker = Maker::new();
    let font = maker.font("Type1", "Shared", None);
    let resources = maker.add(named("Font", named("F", font)));
    let page = dictionary! { "Resources" => resources };
    let pages = (0..50).fold(maker, |maker, _| maker.page(&page));
    pages.finish()
}

fn fonts() -> Vec<u8> {
    let mut maker = Maker::new();
    let one = maker.composite("CIDFontType2", "ABCDEF+Wide", Some("FontFile2"));
    let two = maker.composite("CIDFontType0", "Thin", Some("FontFile3"));
    let three = maker.composite("CIDFontType2", "Missing", None);
    let glyph = maker.add(Stream::new(dictionary! {}, b"600 0 d0".to_vec()));
    let drawn = maker.add(dictionary! { "Type" => "Font", "Subtype" => "Type3",
    "FontBBox" => rectangle([0., 0., 9., 9.]), "FontMatrix" => rectangle([1., 0., 0., 1.]),
    "CharProcs" => named("a", glyph), "FirstChar" => 97, "LastChar" => 97,
    "Widths" => vec![600.into()],
    "Encoding" => dictionary! { "Differences" => vec![97.into(), "a".into()] } });
    let plain = maker.add(helvetica());
    let fonts = dictionary! { "A" => one, "B" => two, "C" => three, "D" => drawn, "E" => plain };
    maker.page_with(named("Font", fonts)).finish()
}
