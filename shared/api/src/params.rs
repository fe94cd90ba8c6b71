//! Query parameters, each refused by name in our own words.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use jobs::FieldError;

use super::Problem;

/// The parameters that have not been read yet, and the faults found so far.
#[derive(Debug, Default)]
pub struct Params {
    rest: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Params {
    /// Reads a query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let rest = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        Self {
            rest,
            errors: Vec::new(),
        }
    }

    /// Reads a parameter that may stand once.
    pub fn one<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let mut values = self.remove(name);
        let value = values.pop()?;
        if !values.is_empty() {
            self.fault(name, "must be given once");
            return None;
        }
        value.parse().map_err(|error| self.fault(name, error)).ok()
    }

    /// Reads a parameter that may stand several times, with several values by commas each.
    pub fn many<T: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<T> {
        let values = self.remove(name);
        let mut read = Vec::new();
        for value in values.iter().flat_map(|value| value.split(',')) {
            match value.parse() {
                Ok(value) => read.push(value),
                Err(error) => self.fault(name, error),
            }
        }
        read
    }

    /// Reads how many entries a page may have.
    pub fn limit(&mut self, default: usize, max: usize) -> usize {
        let Some(text) = self.one::<String>("limit") else {
            return default;
        };
        match text.parse() {
            Ok(limit) if (1..=max).contains(&limit) => limit,
            _ => {
                self.fault("limit", format!("must be an integer from 1 to {max}"));
                default
            }
        }
    }

    /// Reads the `next_cursor` of a page of a log; 0, the beginning, without one.
    pub fn seq(&mut self, name: &str) -> u64 {
        let Some(text) = self.one::<String>(name) else {
            return 0;
        };
        // Ten digits are what a chunk's sort key has room for.
        match text.parse() {
            Ok(seq) if text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) => seq,
            _ => {
                self.fault(name, "must be the next_cursor of a page of this log");
                0
            }
        }
    }

    /// Records a fault of the parameter `name`.
    pub fn fault(&mut self, name: &str, message: impl Display) {
        self.errors.push(FieldError::new(name, message));
    }

    fn remove(&mut self, name: &str) -> Vec<String> {
        self.rest
            .extract_if(.., |(key, _)| key == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// Ends the reading: every parameter that nothing asked for is a fault.
    ///
    /// # Errors
    /// 400, with all faults.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.rest) {
            self.fault(&text::one_line(&name), "is not a known parameter");
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
    fn values_are_repeated_or_separated_by_commas() {
        let mut params = Params::parse("status=failed,cancelled&status=draft");
        assert_eq!(
            params.many::<Status>("status"),
            [Status::Failed, Status::Cancelled, Status::Draft]
        );
        assert!(params.finish().is_ok());
    }

    #[test]
    fn faults_are_named() {
        let mut params =
            Params::parse("status=done&limit=0&release_id=x&cursor=a&cursor=b&sort=up");
        params.many::<Status>("status");
        assert_eq!(params.limit(50, 100), 50);
        assert_eq!(params.one::<JobId>("release_id"), None);
        assert_eq!(params.one::<String>("cursor"), None);
        let problem = serde_json::to_value(params.finish().unwrap_err()).unwrap();
        let fields: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields, ["status", "limit", "release_id", "cursor", "sort"]);
        assert_eq!(problem["status"], 400);
    }
}
