//! Reads the fields of a JSON object, and says what is wrong with each.
//!
//! Request bodies, job configurations and queue messages are all read by it, so that a client learns of every fault of
//! its input at once, in words of this system, and an unknown field is never ignored.

use std::{
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
};

use serde::Serialize;
use serde_json::{Map, Value};
use text::one_line;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name, with the path to it if it is nested: `config_json.volume_size`.
    pub field: String,
    /// What it must be: a clause that follows the name.
    pub message: String,
}

impl FieldError {
    /// `field` is at fault: `message` says what it must be.
    pub fn new(field: impl Into<String>, message: impl Display) -> Self {
        Self {
            field: field.into(),
            message: message.to_string(),
        }
    }
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// A value that is read from the fields of an object.
pub trait ReadFields: Sized {
    /// Reads the fields. Reads all of them before it returns, so that all faults are recorded; returns `None` only if
    /// one was.
    fn read_fields(fields: &mut FieldReader) -> Option<Self>;
}

/// The fields of one object that have not been read yet, and the faults found so far.
#[derive(Debug)]
pub struct FieldReader {
    unread: Map<String, Value>,
    prefix: &'static str,
    errors: Vec<FieldError>,
}

impl FieldReader {
    /// Reads a `T` from `object`; `prefix` goes before the names in errors (`"config_json."`).
    ///
    /// # Errors
    /// All faults, in the order in which they were found; then every unknown field.
    pub fn read<T: ReadFields>(
        object: Map<String, Value>,
        prefix: &'static str,
    ) -> Result<T, Vec<FieldError>> {
        Self::read_with(object, prefix, T::read_fields)
    }

    /// As [`FieldReader::read`], with a function instead of a type.
    ///
    /// # Errors
    /// As [`FieldReader::read`].
    pub fn read_with<T>(
        object: Map<String, Value>,
        prefix: &'static str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Vec<FieldError>> {
        let mut fields = Self {
            unread: object,
            prefix,
            errors: Vec::new(),
        };
        let value = read(&mut fields);
        for name in std::mem::take(&mut fields.unread)
            .into_iter()
            .map(|(name, _)| name)
        {
            fields.fault(&one_line(&name), "is not a known field");
        }
        match value {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(fields.errors),
        }
    }

    /// Reads a field through `parse`. `None`: it is absent, null, or at fault.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.unread.remove(name).filter(|value| !value.is_null())?;
        parse(value).map_err(|error| self.fault(name, error)).ok()
    }

    /// Reads a string of at most `max` characters, not empty and without control characters.
    pub fn line(&mut self, name: &str, max: usize) -> Option<String> {
        self.optional(name, |value| {
            let text = string(value)?;
            let is_blank = text.trim().is_empty();
            if is_blank || text.chars().count() > max || text.chars().any(char::is_control) {
                return Err(format!("must be 1 to {max} characters in one line"));
            }
            Ok(text)
        })
    }

    /// Reads a string of at most `max` bytes that may have several lines.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        self.optional(name, |value| {
            let text = string(value)?;
            if text.is_empty() || text.len() > max {
                return Err(format!("must be 1 to {max} bytes"));
            }
            Ok(text)
        })
    }

    /// Reads a string through its `FromStr`.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.optional(name, |value| {
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
        self.optional(name, |value| {
            let text = string(value)?;
            check(&text).map(|()| text).map_err(str::to_owned)
        })
    }

    /// Reads true or false.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.optional(name, |value| value.as_bool().ok_or("must be true or false"))
    }

    /// Reads an integer within `range`.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.optional(name, |value| {
            let number = value.as_u64().filter(|number| range.contains(number));
            let (start, end) = range.into_inner();
            number.ok_or_else(|| format!("must be an integer from {start} to {end}"))
        })
    }

    /// Reads an id.
    pub fn id<T: TryFrom<u64, Error: Display>>(&mut self, name: &str) -> Option<T> {
        self.optional(name, |value| {
            T::try_from(value.as_u64().unwrap_or(0)).map_err(|error| error.to_string())
        })
    }

    /// Reads an object.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.optional(name, |value| match value {
            Value::Object(map) => Ok(map),
            _ => Err("must be an object"),
        })
    }

    /// Reads a field that must be there, with one of the methods above: `fields.required("path", Self::parsed)`.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<T> {
        let faults = self.errors.len();
        let value = read(self, name);
        if value.is_none() && self.errors.len() == faults {
            self.fault(name, "is required");
        }
        value
    }

    /// Records a fault of the field `name`.
    pub fn fault(&mut self, name: &str, message: impl Display) {
        let field = format!("{}{name}", self.prefix);
        self.errors.push(FieldError::new(field, message));
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

    fn read<T>(
        value: Value,
        read: impl FnOnce(&mut FieldReader) -> Option<T>,
    ) -> Result<T, Vec<FieldError>> {
        let Value::Object(object) = value else {
            panic!("{value} is not an object");
        };
        FieldReader::read_with(object, "", read)
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let object =
            json!({"flag": "yes", "n": 9, "line": "a\nb", "id": 0, "object": [], "typo": 1});
        let errors = read(object, |fields| {
            assert_eq!(fields.flag("flag"), None);
            assert_eq!(fields.integer("n", 1..=8), None);
            assert_eq!(fields.line("line", 10), None);
            assert_eq!(fields.id::<JobId>("id"), None);
            assert_eq!(fields.object("object"), None);
            fields.required("missing", |fields, name| fields.text(name, 5))
        });
        let names: Vec<String> = errors
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
    fn a_fault_refuses_the_object_even_if_a_value_was_read() {
        let errors = read(json!({"flag": 1}), |fields| Some(fields.flag("flag")));
        assert_eq!(
            errors,
            Err(vec![FieldError::new("flag", "must be true or false")])
        );
    }

    #[test]
    fn an_absent_field_and_null_are_the_same() {
        let flags = read(json!({"a": null}), |fields| {
            Some((fields.flag("a"), fields.flag("b")))
        });
        assert_eq!(flags, Ok((None, None)));
    }

    #[test]
    fn a_required_field_at_fault_is_named_once() {
        let errors = read(json!({"text": 1}), |fields| {
            fields.required("text", |fields, name| fields.text(name, 5))
        });
        assert_eq!(
            errors,
            Err(vec![FieldError::new("text", "must be a string")])
        );
    }
}
