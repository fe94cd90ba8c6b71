//! The files of the built console.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// The page, relative to the folder of the built console.
const PAGE: &str = "index.html";
/// The folder of the page's files, relative to the same.
const FILES: &str = "console/";
/// The encodings made at build time, the smaller one first: the name in HTTP, and the end of the file's name.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The built console.
pub struct Site(BTreeMap<String, File>);

/// A file with its encodings.
pub struct File {
    content_type: &'static str,
    etag: String,
    plain: Bytes,
    encoded: Vec<(&'static str, Bytes)>,
}

impl Site {
    /// Creates the site from `files`, by their paths. One that ends with `.br` or `.gz` is an encoding of another.
    #[must_use]
    pub fn new(mut files: BTreeMap<String, Vec<u8>>) -> Self {
        let names: Vec<String> = files.keys().cloned().collect();
        let plain = names
            .into_iter()
            .filter(|name| !ENCODINGS.iter().any(|(_, end)| name.ends_with(end)));
        let site = plain.filter_map(|name| {
            let file = File::take(&name, &mut files)?;
            Some((name, file))
        });
        Self(site.collect())
    }

    /// Returns the page.
    #[must_use]
    pub fn page(&self) -> Option<&File> {
        self.0.get(PAGE)
    }

    /// Returns a file of the page by its path below the page's, which may end with a slash.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        let path = path.strip_prefix(FILES).unwrap_or(path);
        self.0.get(&format!("{FILES}{path}"))
    }
}

impl File {
    fn take(name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let plain = files.remove(name)?;
        let encoded = ENCODINGS.iter().filter_map(|(encoding, end)| {
            let bytes = files.remove(&format!("{name}{end}"))?;
            Some((*encoding, bytes.into()))
        });
        Some(Self {
            content_type: content_type(name),
            // Weak, since the encodings share it.
            etag: format!("W/\"{}\"", hex::encode(&Sha256::digest(&plain)[..16])),
            encoded: encoded.collect(),
            plain: plain.into(),
        })
    }

    /// Answers a request with these headers: with the smallest encoding that it accepts, or with 304 if it has the
    /// file already.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let shared = [(ETAG, self.etag.as_str()), (VARY, "accept-encoding")];
        if matches(request, IF_NONE_MATCH.as_str(), &self.etag) {
            return (StatusCode::NOT_MODIFIED, shared).into_response();
        }
        let typed = [(CONTENT_TYPE, self.content_type)];
        let accepted = self
            .encoded
            .iter()
            .find(|(encoding, _)| matches(request, ACCEPT_ENCODING.as_str(), encoding));
        match accepted {
            Some((encoding, bytes)) => {
                let encoded = [(CONTENT_ENCODING, *encoding)];
                (shared, typed, encoded, bytes.clone()).into_response()
            }
            None => (shared, typed, self.plain.clone()).into_response(),
        }
    }
}

/// Whether a header's list has `wanted`, and does not refuse it with `q=0`.
fn matches(headers: &HeaderMap, name: &str, wanted: &str) -> bool {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (value, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        value.trim().eq_ignore_ascii_case(wanted) && weight.parse::<f32>().is_ok_and(|q| q > 0.0)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn site() -> Site {
        let files = [
            ("index.html", "<p>"),
            ("console/app-1.js", "plain"),
            ("console/app-1.js.br", "br"),
            ("console/app-1.js.gz", "gz"),
        ];
        Site::new(
            files
                .map(|(name, text)| (name.to_owned(), text.into()))
                .into(),
        )
    }

    fn encoding(accepted: &'static str) -> Option<HeaderValue> {
        let request = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        let answer = site().file("app-1.js").unwrap().answer(&request);
        answer.headers().get(CONTENT_ENCODING).cloned()
    }

    #[test]
    fn smallest_accepted_encoding_is_sent() {
        for (accepted, expected) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip;q=1.0, br;q=0", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("identity", None),
            ("", None),
        ] {
            let expected = expected.map(HeaderValue::from_static);
            assert_eq!(encoding(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn page_that_the_browser_has_is_not_sent_again() {
        let first = site().page().unwrap().answer(&HeaderMap::new());
        let etag = first.headers()[ETAG].clone();
        let request = HeaderMap::from_iter([(IF_NONE_MATCH, etag.clone())]);
        let again = site().page().unwrap().answer(&request);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], etag);
    }

    #[test]
    fn files_outside_the_folder_and_encodings_have_no_address() {
        for path in ["index.html", "../index.html", "app-1.js.br", ""] {
            assert!(site().file(path).is_none(), "{path}");
        }
    }
}
