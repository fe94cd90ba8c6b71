//! Finds the version of a PDF.

use text::tidy_line;

/// Returns the version in the header.
pub fn from_header(bytes: &[u8]) -> Option<String> {
    let mark = b"%PDF-";
    let at = bytes.windows(mark.len()).position(|bytes| bytes == mark)? + mark.len();
    let version = bytes[at..].iter().take(8);
    let version = version.take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
    tidy_line(&version.map(|&byte| char::from(byte)).collect::<String>())
}

/// Returns the later of the versions in the header and in the catalog (ISO 32000-2, 7.7.2). A
/// version that is not a number does not count if the other one is.
pub fn later(header: Option<String>, catalog: Option<String>) -> Option<String> {
    let number = |version: &Option<String>| parse(version.as_deref()?);
    if number(&catalog) > number(&header) || header.is_none() {
        catalog
    } else {
        header
    }
}

fn parse(version: &str) -> Option<(u8, u8)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_the_header() {
        for (bytes, version) in [
            (&b"junk\n%PDF-1.7\n"[..], Some("1.7")),
            (b"%PDF-2.0%", Some("2.0")),
            (b"%PDF-", None),
            (b"nothing", None),
        ] {
            assert_eq!(from_header(bytes).as_deref(), version);
        }
    }

    #[test]
    fn later_version_counts() {
        for (header, catalog, expected) in [
            (Some("1.4"), Some("1.7"), Some("1.7")),
            (Some("1.4"), Some("1.3"), Some("1.4")),
            (Some("1.7"), Some("2.0"), Some("2.0")),
            (Some("1.9"), Some("1.10"), Some("1.10")),
            (Some("1.4"), Some("new"), Some("1.4")),
            (Some("1."), Some("1.5"), Some("1.5")),
            (Some("1."), Some("new"), Some("1.")),
            (Some("1.4"), None, Some("1.4")),
            (None, Some("1.6"), Some("1.6")),
            (None, None, None),
        ] {
            let found = later(header.map(str::to_owned), catalog.map(str::to_owned));
            assert_eq!(found.as_deref(), expected, "{header:?} {catalog:?}");
        }
    }
}
