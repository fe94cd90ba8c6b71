//! Reads the fields of a JSON object, and says of each what is wrong with it.
//!
//! Used for request bodies, job configurations and queue messages alike, so that a client gets
//! every fault of its input at once, in our words, and an unknown field is never ignored.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use serde::Serialize;
use serde_json::{Map, Value};

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name, with the path to it where it is nested: `config_json.volume_size`.
    pub field: String,
    /// What it must be.
    pub message: String,
}

impl FieldError {
    /// Says `message` of `field`.
    pub fn new(field: impl Into<String>, message: impl Display) -> Self {
        Self {
            field: field.into(),
            message: message.to_string(),
        }
    }
}

/// The fields of one object that have not been read yet, and the faults found so far.
#[derive(Debug)]
pub struct Fields {
    rest: Map<String, Value>,
    prefix: &'static str,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Starts to read `object`; `prefix` goes before the names in errors (`"config_json."`).
    #[must_use]
    pub fn new(object: Map<String, Value>, prefix: &'static str) -> Self {
        Self {
            rest: object,
            prefix,
            errors: Vec::new(),
        }
    }

    /// Reads a field through `parse`; an absent one, null, and one at fault are `None`.
    pub fn take<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.rest.remove(name).filter(|value| !value.is_null())?;
        parse(value).map_err(|error| self.fault(name, error)).ok()
    }

    /// Reads a string of at most `max` characters, not empty and without control characters.
    pub fn line(&mut self, name: &str, max: usize) -> Option<String> {
        self.take(name, |value| {
            let text = string(value)?;
            if text.trim().is_empty()
                || text.chars().count() > max
                || text.chars().any(char::is_control)
            {
                return Err(format!("must be 1 to {max} characters in one line"));
            }
            Ok(text)
        })
    }

    /// Reads a string of at most `max` bytes that may have several lines.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        self.take(name, |value| {
            let text = string(value)?;
            if text.is_empty() || text.len() > max {
                return Err(format!("must be 1 to {max} bytes"));
            }
            Ok(text)
        })
    }

    /// Reads a string through its `FromStr`.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.take(name, |value| {
            string(value)?
                .parse()
                .map_err(|error: T::Err| error.to_string())
        })
    }

    /// Reads a string that `check` accepts.
    pub fn checked(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<(), &'static str>,
    ) -> Option<String> {
        self.take(name, |value| {
            let text = string(value)?;
            check(&text).map(|()| text).map_err(str::to_owned)
        })
    }

    /// Reads true or false.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, |value| value.as_bool().ok_or("must be true or false"))
    }

    /// Reads an integer within `range`.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.take(name, |value| {
            value
                .as_u64()
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    format!(
                        "must be an integer from {} to {}",
                        range.start(),
                        range.end()
                    )
                })
        })
    }

    /// Reads an id.
    pub fn id<T: TryFrom<u64, Error: Display>>(&mut self, name: &str) -> Option<T> {
        self.take(name, |value| {
            T::try_from(value.as_u64().unwrap_or(0)).map_err(|error| error.to_string())
        })
    }

    /// Reads an object.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.take(name, |value| match value {
            Value::Object(map) => Ok(map),
            _ => Err("must be an object"),
        })
    }

    /// Records that `name`, which is needed, is missing, unless something is wrong with it already.
    pub fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let field = format!("{}{name}", self.prefix);
        if value.is_none() && !self.errors.iter().any(|error| error.field == field) {
            self.fault(name, "is required");
        }
        value
    }

    /// Records a fault of the field `name`.
    pub fn fault(&mut self, name: &str, message: impl Display) {
        self.errors
            .push(FieldError::new(format!("{}{name}", self.prefix), message));
    }

    /// Ends the reading: every field that nothing asked for is a fault.
    ///
    /// # Errors
    /// All faults found, in the order in which they were found.
    pub fn finish(mut self) -> Result<(), Vec<FieldError>> {
        let unknown: Vec<String> = self.rest.keys().cloned().collect();
        for name in unknown {
            self.fault(&text::one_line(&name), "is not a known field");
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.errors)
        }
    }
}

fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("must be a string".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::JobId;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(map) => Fields::new(map, ""),
            _ => panic!("an object"),
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut fields = fields(
            json!({"flag": "yes", "n": 9, "line": "a\nb", "id": 0, "object": [], "typo": 1}),
        );
        assert_eq!(fields.flag("flag"), None);
        assert_eq!(fields.integer("n", 1..=8), None);
        assert_eq!(fields.line("line", 10), None);
        assert_eq!(fields.id::<JobId>("id"), None);
        assert_eq!(fields.object("object"), None);
        let missing = fields.text("missing", 5);
        fields.require("missing", missing);
        let names: Vec<String> = fields
            .finish()
            .unwrap_err()
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(
            names,
            ["flag", "n", "line", "id", "object", "missing", "typo"]
        );
    }

    #[test]
    fn an_absent_field_and_null_are_the_same() {
        let mut fields = fields(json!({"a": null}));
        assert_eq!(fields.flag("a"), None);
        assert_eq!(fields.flag("b"), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn a_required_field_at_fault_is_named_once() {
        let mut fields = fields(json!({"text": 1}));
        let text = fields.text("text", 5);
        fields.require("text", text);
        let errors = fields.finish().unwrap_err();
        assert_eq!(errors, [FieldError::new("text", "must be a string")]);
    }
}
