//! The cursor of the list of a release's files.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jobs::release::Release;

/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 900;

/// The place after a file in the list, which clients see as an opaque text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileCursor {
    /// The id of the job that built the package which was current then; 0 if there was none.
    package: u64,
    /// The path of the file, as it is listed.
    path: String,
}

/// Not a cursor, or the cursor of a package that is no longer current.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next_cursor` of a page of this list; a new package starts a new list")]
pub(crate) struct InvalidCursor;

impl FileCursor {
    /// The cursor after the file at `path`.
    pub(crate) fn after(path: &str, release: &Release) -> Self {
        Self {
            package: current(release),
            path: path.to_owned(),
        }
    }

    /// The path below `folder`, if it is there.
    pub(crate) fn within(&self, folder: &str) -> Option<&str> {
        self.path.strip_prefix(folder)
    }

    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.package, self.path))
    }

    /// Decodes a cursor of the list of `release`.
    pub(crate) fn decode(text: &str, release: &Release) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (package, path) = text.split_once(' ').ok_or(InvalidCursor)?;
        let package = package.parse().map_err(|_| InvalidCursor)?;
        // A key of S3 has at most 1,024 bytes.
        if path.len() > MAX_PATH_BYTES || path.chars().any(char::is_control) {
            return Err(InvalidCursor);
        }
        let is_current = path.starts_with("package/") && package == current(release);
        if !path.starts_with("source/") && !is_current {
            return Err(InvalidCursor);
        }
        Ok(Self {
            package,
            path: path.to_owned(),
        })
    }
}

fn current(release: &Release) -> u64 {
    let package = release.package.as_ref();
    package.map_or(0, |package| package.job_id.get())
}

#[cfg(test)]
mod tests {
    use jobs::{JobId, ReleaseId, Time, UserId, release::Package};
    use serde_json::Map;

    use super::*;

    fn release(package: Option<u64>) -> Release {
        let package = package.map(|id| Package {
            job_id: JobId::try_from(id).unwrap(),
            fence: 1,
            version: 1,
            since: Time::from_millis(0),
        });
        Release {
            id: ReleaseId::try_from(42).unwrap(),
            user_id: UserId::try_from(7).unwrap(),
            release_type: "ebook".to_owned(),
            name: None,
            group: None,
            metadata: Map::new(),
            created_at: Time::from_millis(0),
            package,
            replaced: Vec::new(),
        }
    }

    #[test]
    fn cursor_is_valid_while_its_package_is_current() {
        let packaged = release(Some(5));
        for path in ["source/a b/é.txt", "package/a.zip"] {
            let cursor = FileCursor::after(path, &packaged);
            assert_eq!(FileCursor::decode(&cursor.encode(), &packaged), Ok(cursor));
        }
        let source = FileCursor::after("source/a.txt", &packaged).encode();
        let package = FileCursor::after("package/a.zip", &packaged).encode();
        for other in [release(None), release(Some(6))] {
            assert!(FileCursor::decode(&source, &other).is_ok());
            assert_eq!(FileCursor::decode(&package, &other), Err(InvalidCursor));
        }
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        let long = URL_SAFE_NO_PAD.encode(format!("5 source/{}", "x".repeat(1_000)));
        for text in ["", "!", "AAAA", "NSBzZWNyZXQvYQ", &long] {
            let decoded = FileCursor::decode(text, &release(Some(5)));
            assert_eq!(decoded, Err(InvalidCursor), "{text}");
        }
    }
}
