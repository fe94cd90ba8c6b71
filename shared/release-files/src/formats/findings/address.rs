//! Addresses in the documents of a book, read strictly: each means one path, or none.

/// The characters that no address may have (RFC 3986, section 2), besides blanks.
const FORBIDDEN: [char; 9] = ['<', '>', '"', '{', '}', '|', '\\', '^', '`'];

/// An address in a document.
#[derive(Debug, PartialEq, Eq)]
pub enum Address {
    /// A file in the container: its path, and the fragment.
    File(String, Option<String>),
    /// A resource in the web.
    Remote,
    /// Another scheme, such as `mailto`, or the data themselves.
    Other,
    /// No URI.
    Invalid,
}

impl Address {
    /// Reads an address in the document at `document`.
    pub fn parse(document: &str, address: &str) -> Self {
        let address = address.trim();
        if is_remote(address) {
            return if is_uri(address) {
                Self::Remote
            } else {
                Self::Invalid
            };
        }
        if has_scheme(address) {
            let is_sound = address.starts_with("data:") || is_uri(address);
            return if is_sound { Self::Other } else { Self::Invalid };
        }
        if !is_uri(address) {
            return Self::Invalid;
        }
        Self::parse_plain(document, address)
    }

    /// Reads an address that is relative to the document at `document`, and may have blanks.
    pub fn parse_plain(document: &str, address: &str) -> Self {
        let address = address.trim();
        if has_scheme(address) {
            return Self::Invalid;
        }
        let (rest, fragment) = match address.split_once('#') {
            Some((rest, fragment)) => (rest, percent_decode(fragment)),
            None => (address, None),
        };
        let path = rest.split('?').next().unwrap_or_default();
        let path = if path.is_empty() {
            Some(document.to_owned())
        } else {
            percent_decode(path).map(|path| join(document, &path))
        };
        path.map_or(Self::Invalid, |path| Self::File(path, fragment))
    }
}

/// Whether an address leads out of the book over the net.
pub fn is_remote(address: &str) -> bool {
    let scheme = address.split("://").next().unwrap_or_default();
    address.contains("://") && is_scheme(scheme)
}

fn has_scheme(address: &str) -> bool {
    let end = address.find(['/', '?', '#', ':']).unwrap_or_default();
    address[end..].starts_with(':') && is_scheme(&address[..end])
}

fn is_scheme(scheme: &str) -> bool {
    let mut chars = scheme.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Whether an address has only characters that one may have.
fn is_uri(address: &str) -> bool {
    let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && !FORBIDDEN.contains(&c);
    // Brackets are for addresses of hosts. A fragment may have them.
    let before = address.split('#').next().unwrap_or_default();
    address.chars().all(is_allowed) && !before.contains(['[', ']']) && has_sound_escapes(address)
}

/// Whether each `%` has two hexadecimal digits after it.
pub fn has_sound_escapes(address: &str) -> bool {
    let mut pieces = address.split('%').skip(1);
    pieces.all(|piece| {
        let digits = piece.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Replaces escapes; `None` if the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.as_bytes().split_at_checked(2)?;
        decoded.extend(hex::decode(digits).ok()?);
        decoded.extend(rest);
    }
    String::from_utf8(decoded).ok()
}

/// The path that a relative path in a document means.
pub fn join(document: &str, path: &str) -> String {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // A path out of the container means no file in it.
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, fragment: Option<&str>) -> Address {
        Address::File(path.to_owned(), fragment.map(str::to_owned))
    }

    #[test]
    fn address_means_one_path() {
        for (address, expected) in [
            ("c2.xhtml", file("OPS/c2.xhtml", None)),
            (" c2.xhtml#a ", file("OPS/c2.xhtml", Some("a"))),
            ("#caf%C3%A9", file("OPS/c1.xhtml", Some("café"))),
            ("../x/./y.png", file("x/y.png", None)),
            ("../../x", file("../x", None)),
            ("c%32.xhtml?x=1", file("OPS/c2.xhtml", None)),
            ("text/", file("OPS/text", None)),
            ("https://example.com/a", Address::Remote),
            ("mailto:a@example.com", Address::Other),
            ("data:image/png;base64,iVBO Rw", Address::Other),
            ("c2.xhtml#a[1]", file("OPS/c2.xhtml", Some("a[1]"))),
            ("//example.com/x", file("OPS/example.com/x", None)),
            ("/OPS/c2.xhtml", file("OPS/OPS/c2.xhtml", None)),
            ("http:/example.com", Address::Other),
            ("a[1].xhtml", Address::Invalid),
            ("mailto:a b@example.com", Address::Invalid),
            ("OPS\\c2.xhtml", Address::Invalid),
            ("c 2.xhtml", Address::Invalid),
            ("a%zz.xhtml", Address::Invalid),
            ("a%e9.xhtml", Address::Invalid),
            ("http://exa mple.com", Address::Invalid),
        ] {
            assert_eq!(
                Address::parse("OPS/c1.xhtml", address),
                expected,
                "{address}"
            );
        }
    }
}
