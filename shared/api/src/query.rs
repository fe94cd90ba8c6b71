//! Reads and validates query parameters.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use jobs::{FieldError, there_are};

use crate::{Answer, Problem};

/// The parameters of a route that has none: any is refused by name.
#[derive(Clone, Copy, Debug)]
pub struct NoParams;

impl<S: Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let params = QueryParams::from_request_parts(parts, state).await?;
        params.finish().map(|()| Self)
    }
}

/// The unread parameters, and the errors found so far.
#[derive(Debug, Default)]
pub struct QueryParams {
    unread: Vec<(String, String)>,
    /// The names of the parameters that were read, present or not.
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<S: Sync> FromRequestParts<S> for QueryParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl QueryParams {
    /// Parses a query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self {
            unread: pairs.into_owned().collect(),
            known: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reads a parameter that may occur once.
    pub fn one<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        let mut values = self.take(name);
        let value = values.pop()?;
        if !values.is_empty() {
            self.error(name, "must occur only once");
            return None;
        }
        value.parse().map_err(|error| self.error(name, error)).ok()
    }

    /// Reads a parameter that must occur once.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        if self.unread.iter().all(|(key, _)| key != name) {
            self.error(name, "is required");
        }
        self.one(name)
    }

    /// Reads a parameter that may occur several times, each time with several values separated by
    /// commas.
    pub fn many<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Vec<T> {
        let values = self.take(name);
        let mut parsed = Vec::new();
        for value in values.iter().flat_map(|value| value.split(',')) {
            match value.parse() {
                Ok(value) => parsed.push(value),
                Err(error) => self.error(name, error),
            }
        }
        parsed
    }

    /// Reads a text of 1 to `max` characters.
    pub fn text(&mut self, name: &'static str, max: usize) -> Option<String> {
        let text = self.one::<String>(name)?;
        if text.is_empty() || text.chars().count() > max {
            self.error(name, format!("must be 1 to {max} characters"));
            return None;
        }
        Some(text)
    }

    /// Reads `limit`, the largest number of entries in a page.
    pub fn limit(&mut self, default: usize, max: usize) -> usize {
        let Some(text) = self.one::<String>("limit") else {
            return default;
        };
        match text.parse() {
            Ok(limit) if (1..=max).contains(&limit) => limit,
            _ => {
                self.error("limit", format!("must be an integer from 1 to {max}"));
                default
            }
        }
    }

    /// Reads the `next_cursor` of a page of a log. Returns 0, the beginning, if there is none.
    pub fn log_cursor(&mut self, name: &'static str) -> u64 {
        let Some(text) = self.one::<String>(name) else {
            return 0;
        };
        // The sort key of a log chunk has room for ten digits.
        let is_number = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(seq) if is_number => seq,
            _ => {
                self.error(name, "must be the `next_cursor` of a page of this log");
                0
            }
        }
    }

    /// Records an error in the parameter `name`.
    pub fn error(&mut self, name: &str, message: impl Display) {
        self.errors.push(FieldError::new(name, message));
    }

    fn take(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let taken = self.unread.extract_if(.., |(key, _)| key == name);
        taken.map(|(_, value)| value).collect()
    }

    /// Ends the reading. Every unread parameter is an error.
    ///
    /// # Errors
    /// 400 with all errors.
    pub fn finish(mut self) -> Answer<()> {
        if !self.unread.is_empty() {
            let message = format!("is not a known parameter; {}", there_are(&self.known));
            for (name, _) in std::mem::take(&mut self.unread) {
                self.error(&name, &message);
            }
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use jobs::{JobId, Status};

    use super::*;

    #[test]
    fn values_may_be_repeated_or_separated_by_commas() {
        let mut params = QueryParams::parse("status=failed,cancelled&status=draft");
        let statuses = params.many::<Status>("status");
        assert_eq!(statuses, [Status::Failed, Status::Cancelled, Status::Draft]);
        assert!(params.finish().is_ok());
    }

    #[test]
    fn all_errors_are_reported_by_name() {
        let query = "status=done&limit=0&release_id=x&cursor=a&cursor=b&sort=up";
        let mut params = QueryParams::parse(query);
        params.many::<Status>("status");
        assert_eq!(params.limit(50, 100), 50);
        assert_eq!(params.one::<JobId>("release_id"), None);
        assert_eq!(params.one::<String>("cursor"), None);
        let problem = serde_json::to_value(params.finish().unwrap_err()).unwrap();
        let errors = problem["errors"].as_array().unwrap().iter();
        let fields: Vec<&str> = errors
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields, ["status", "limit", "release_id", "cursor", "sort"]);
        assert_eq!(problem["status"], 400);
    }
}
