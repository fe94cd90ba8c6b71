//! The size of a page (ISO 32000-2, 7.7.3.3 and 14.11.2), as poppler finds it.

use lopdf::{Dictionary, Document, Object};

/// The largest difference between pages of the same size, in points.
const TOLERANCE: f64 = 1.0;

/// The size of a page as a reader shows it, in points. A `UserUnit` does not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSize {
    /// The width, with two decimals.
    pub width: f64,
    /// The height, with two decimals.
    pub height: f64,
}

impl PageSize {
    /// Returns whether this is the size of another page, too.
    pub fn is_like(self, other: Self) -> bool {
        (self.width - other.width).abs() <= TOLERANCE
            && (self.height - other.height).abs() <= TOLERANCE
    }
}

/// A rectangle with its lower left and its upper right corner.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rectangle {
    left: f64,
    bottom: f64,
    right: f64,
    top: f64,
}

/// The page of a document that does not say how large it is: US Letter.
const DEFAULT: Rectangle = Rectangle {
    left: 0.0,
    bottom: 0.0,
    right: 612.0,
    top: 792.0,
};

/// The entries that make a page's size. A page inherits them from the nodes above it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boxes {
    media: Option<Rectangle>,
    crop: Option<Rectangle>,
    rotation: i64,
}

impl Boxes {
    /// Returns the entries of a page or a node that is below one with these.
    pub fn inherited_by(self, document: &Document, node: &Dictionary) -> Self {
        let rotation = node.get_deref(b"Rotate", document).and_then(Object::as_i64);
        Self {
            media: rectangle(document, node, b"MediaBox").or(self.media),
            crop: rectangle(document, node, b"CropBox").or(self.crop),
            rotation: rotation.unwrap_or(self.rotation),
        }
    }

    /// The size of a page with these entries: its crop box within its media box, rotated.
    pub fn size(self) -> PageSize {
        let media = self.media.unwrap_or(DEFAULT);
        let shown = self.crop.map_or(media, |crop| crop.within(media));
        let (width, height) = (shown.right - shown.left, shown.top - shown.bottom);
        let is_on_its_side = self.rotation.rem_euclid(180) == 90;
        let (width, height) = if is_on_its_side {
            (height, width)
        } else {
            (width, height)
        };
        PageSize {
            width: rounded(width),
            height: rounded(height),
        }
    }
}

impl Rectangle {
    fn within(self, outer: Self) -> Self {
        let across = |x: f64| x.max(outer.left).min(outer.right);
        let up = |y: f64| y.max(outer.bottom).min(outer.top);
        Self {
            left: across(self.left),
            bottom: up(self.bottom),
            right: across(self.right),
            top: up(self.top),
        }
    }
}

fn rounded(length: f64) -> f64 {
    (length * 100.0).round() / 100.0
}

/// Reads a rectangle, whose corners may be in any order; `None` if it is none.
fn rectangle(document: &Document, node: &Dictionary, key: &[u8]) -> Option<Rectangle> {
    let numbers = node.get_deref(key, document).ok()?.as_array().ok()?;
    let &[a, b, c, d] = &numbers.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let number = |object: &Object| {
        let (_, object) = document.dereference(object).ok()?;
        let number = f64::from(object.as_float().ok()?);
        number.is_finite().then_some(number)
    };
    let (a, b, c, d) = (number(a)?, number(b)?, number(c)?, number(d)?);
    Some(Rectangle {
        left: a.min(c),
        bottom: b.min(d),
        right: a.max(c),
        top: b.max(d),
    })
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;

    use super::*;

    fn size(nodes: &[Dictionary]) -> (f64, f64) {
        let mut document = Document::new();
        document.objects.insert((1, 0), Object::Real(99.5));
        document.objects.insert((2, 0), Object::Reference((2, 0)));
        let inherit = |boxes: Boxes, node| boxes.inherited_by(&document, node);
        let size = nodes.iter().fold(Boxes::default(), inherit).size();
        (size.width, size.height)
    }

    fn numbers(numbers: &[f32]) -> Vec<Object> {
        numbers.iter().map(|&number| number.into()).collect()
    }

    #[test]
    fn crop_box_counts_within_the_media_box() {
        let media = numbers(&[0.0, 0.0, 600.0, 800.0]);
        for (node, expected) in [
            (dictionary! {}, (612.0, 792.0)),
            (dictionary! { "MediaBox" => media.clone() }, (600.0, 800.0)),
            (
                dictionary! { "MediaBox" => numbers(&[595.276, 0.0, 0.0, 841.89]) },
                (595.28, 841.89),
            ),
            (
                dictionary! { "MediaBox" => media.clone(), "CropBox" => numbers(&[10.0, 20.0, 300.0, 900.0]) },
                (290.0, 780.0),
            ),
            (
                dictionary! { "MediaBox" => media, "CropBox" => numbers(&[10.0, 20.0]) },
                (600.0, 800.0),
            ),
            (
                dictionary! { "MediaBox" => vec![0.into(), 0.into(), (1, 0).into(), 10.into()] },
                (99.5, 10.0),
            ),
            (
                dictionary! { "MediaBox" => vec![0.into(), 0.into(), (2, 0).into(), 10.into()] },
                (612.0, 792.0),
            ),
            (
                dictionary! { "MediaBox" => numbers(&[0.0, 0.0, f32::NAN, f32::INFINITY]) },
                (612.0, 792.0),
            ),
        ] {
            assert_eq!(size(&[node]), expected);
        }
    }

    #[test]
    fn boxes_and_rotation_are_inherited() {
        let root = dictionary! { "MediaBox" => numbers(&[0.0, 0.0, 100.0, 200.0]), "Rotate" => 90 };
        let page = |rotation: i64| dictionary! { "Rotate" => rotation };
        assert_eq!(size(&[root.clone(), dictionary! {}]), (200.0, 100.0));
        for (rotation, expected) in [
            (0, (100.0, 200.0)),
            (180, (100.0, 200.0)),
            (-90, (200.0, 100.0)),
            (450, (200.0, 100.0)),
            (45, (100.0, 200.0)),
            (i64::MIN, (100.0, 200.0)),
        ] {
            assert_eq!(
                size(&[root.clone(), page(rotation)]),
                expected,
                "{rotation}"
            );
        }
        let crop = dictionary! { "CropBox" => numbers(&[0.0, 0.0, 50.0, 60.0]) };
        assert_eq!(size(&[root, crop]), (60.0, 50.0));
    }
}
