//! What the browser lets the page do.

use axum::http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};

/// The security headers of the page and its files.
pub struct Policy(HeaderValue);

impl Policy {
    /// Lets the page use itself, images of `images` and the services at `connect`. Only pages of `frames` may show it
    /// in a frame. It may do nothing else: no inline script or style, no plugin, no form that leaves it.
    #[must_use]
    pub fn new(images: &[String], connect: &[String], frames: &[String]) -> Self {
        let frames = match frames {
            [] => "'none'".to_owned(),
            frames => frames.join(" "),
        };
        let directives = [
            "default-src 'none'".to_owned(),
            "script-src 'self'".to_owned(),
            "style-src 'self'".to_owned(),
            "font-src 'self'".to_owned(),
            format!("img-src 'self' data: {}", images.join(" ")),
            format!("connect-src 'self' {}", connect.join(" ")),
            format!("frame-ancestors {frames}"),
            "form-action 'none'".to_owned(),
            "base-uri 'none'".to_owned(),
        ];
        let policy = directives.map(|directive| directive.trim_end().to_owned());
        // Settings::origins returns only texts that fit into a header.
        let value = HeaderValue::from_str(&policy.join("; "));
        Self(value.unwrap_or(HeaderValue::from_static("default-src 'none'")))
    }

    /// Adds the headers to an answer.
    pub fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_SECURITY_POLICY, self.0.clone());
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(images: &[&str], connect: &[&str], frames: &[&str]) -> String {
        let owned = |origins: &[&str]| {
            origins
                .iter()
                .map(|&one| one.to_owned())
                .collect::<Vec<_>>()
        };
        let mut headers = HeaderMap::new();
        Policy::new(&owned(images), &owned(connect), &owned(frames)).apply(&mut headers);
        headers[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn page_reaches_only_itself_and_what_it_is_given() {
        let files = "https://files.example";
        let policy = policy(&[files], &[files, "wss://live.example"], &[]);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "));
        for directive in [
            "img-src 'self' data: https://files.example;",
            "connect-src 'self' https://files.example wss://live.example;",
            "frame-ancestors 'none';",
            "form-action 'none'; base-uri 'none'",
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn only_the_allowed_origins_may_frame_the_page() {
        let policy = policy(&[], &[], &["https://a.example", "https://b.example"]);
        assert!(policy.contains("frame-ancestors https://a.example https://b.example;"));
    }
}
