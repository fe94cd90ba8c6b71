//! Reads and validates the fields of a JSON object.
//!
//! It reads request bodies, job configurations and queue messages. All errors in the input are
//! reported at once, and an unknown field is an error.

use std::{
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
};

use serde::Serialize;
use serde_json::{Map, Value};
use text::{excerpt, is_unprintable};

/// The longest name of a field in an error, in characters. The names of the API are shorter.
const MAX_FIELD_CHARS: usize = 40;
/// The longest message of an error, in characters.
const MAX_ERROR_CHARS: usize = 300;

/// An error in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The name of the field, with its path if it is nested: `config_json.volume_size`.
    pub field: String,
    /// A clause that completes "`field` ...": `must be a string`.
    pub message: String,
}

impl FieldError {
    /// Creates an error; `message` completes "`field` ...". A client may have chosen any part of
    /// both, so they are truncated and put on one line.
    #[must_use]
    pub fn new(field: &str, message: impl Display) -> Self {
        Self {
            field: excerpt(field, MAX_FIELD_CHARS),
            message: excerpt(&message.to_string(), MAX_ERROR_CHARS),
        }
    }
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// A value read from the fields of an object.
pub trait ReadFields: Sized {
    /// Reads all fields before it returns, so that all errors are recorded. Returns `None` only if
    /// there was an error.
    fn read_fields(fields: &mut FieldReader) -> Option<Self>;
}

/// The unread fields of an object, and the errors found so far.
#[derive(Debug)]
pub struct FieldReader {
    unread: Map<String, Value>,
    /// The names of the fields that were read, present or not.
    known: Vec<&'static str>,
    prefix: &'static str,
    errors: Vec<FieldError>,
}

impl FieldReader {
    /// Reads a `T` from `object`. `prefix` precedes the field names in errors (`"config_json."`).
    ///
    /// # Errors
    /// All errors in the order in which they were found, then the unknown fields.
    pub fn read<T: ReadFields>(
        object: Map<String, Value>,
        prefix: &'static str,
    ) -> Result<T, Vec<FieldError>> {
        Self::read_with(object, prefix, T::read_fields)
    }

    /// Reads `object` with a function instead of a type.
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
            known: Vec::new(),
            prefix,
            errors: Vec::new(),
        };
        let value = read(&mut fields);
        if !fields.unread.is_empty() {
            let message = format!("is not a known field; {}", there_are(&fields.known));
            for (name, _) in std::mem::take(&mut fields.unread) {
                fields.error(&name, &message);
            }
        }
        match value {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(fields.errors),
        }
    }

    /// Reads a field with `parse`. Returns `None` if it is absent, null or invalid.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, E>,
    ) -> Option<T> {
        self.known.push(name);
        let value = self.unread.remove(name).filter(|value| !value.is_null())?;
        parse(value).map_err(|error| self.error(name, error)).ok()
    }

    /// Reads a non-blank string of at most `max` characters, all of them printable.
    pub fn line(&mut self, name: &'static str, max: usize) -> Option<String> {
        self.optional(name, |value| {
            let text = string(value)?;
            let is_blank = text.trim().is_empty();
            if is_blank || text.chars().count() > max || text.chars().any(is_unprintable) {
                return Err(format!(
                    "must be 1 to {max} characters on one line, \
                     without characters that control the text's direction"
                ));
            }
            Ok(text)
        })
    }

    /// Reads a non-empty string of at most `max` bytes, which may have several lines.
    pub fn text(&mut self, name: &'static str, max: usize) -> Option<String> {
        self.optional(name, |value| {
            let text = string(value)?;
            if text.is_empty() || text.len() > max {
                return Err(format!("must be 1 to {max} bytes"));
            }
            Ok(text)
        })
    }

    /// Reads a string with the `FromStr` of `T`.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        self.optional(name, |value| {
            string(value)?
                .parse()
                .map_err(|error: T::Err| error.to_string())
        })
    }

    /// Reads a string that `check` accepts.
    pub fn checked(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<(), &'static str>,
    ) -> Option<String> {
        self.optional(name, |value| {
            let text = string(value)?;
            check(&text).map(|()| text).map_err(str::to_owned)
        })
    }

    /// Reads a boolean.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.optional(name, |value| value.as_bool().ok_or("must be true or false"))
    }

    /// Reads an integer within `range`.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.optional(name, |value| {
            let number = value.as_u64().filter(|number| range.contains(number));
            let (start, end) = range.into_inner();
            number.ok_or_else(|| format!("must be an integer from {start} to {end}"))
        })
    }

    /// Reads an id.
    pub fn id<T: TryFrom<u64, Error: Display>>(&mut self, name: &'static str) -> Option<T> {
        self.optional(name, |value| {
            T::try_from(value.as_u64().unwrap_or(0)).map_err(|error| error.to_string())
        })
    }

    /// Reads an object.
    pub fn object(&mut self, name: &'static str) -> Option<Map<String, Value>> {
        self.optional(name, |value| match value {
            Value::Object(map) => Ok(map),
            _ => Err("must be an object"),
        })
    }

    /// Reads a required field with one of the methods above: `fields.required("path",
    /// Self::parsed)`.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        let errors = self.errors.len();
        let value = read(self, name);
        if value.is_none() && self.errors.len() == errors {
            self.error(name, "is required");
        }
        value
    }

    /// Returns whether an error was found so far.
    #[must_use]
    pub const fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Records an error in the field `name`.
    pub fn error(&mut self, name: &str, message: impl Display) {
        let field = format!("{}{name}", self.prefix);
        self.errors.push(FieldError::new(&field, message));
    }
}

/// The size of a value, in bytes of its JSON.
#[must_use]
pub fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

/// Says which names are allowed: `there are: path, size`.
#[must_use]
pub fn there_are(known: &[&str]) -> String {
    if known.is_empty() {
        return "there are none".to_owned();
    }
    format!("there are: {}", known.join(", "))
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
    fn all_errors_are_reported_at_once() {
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
    fn unknown_field_is_refused_with_the_known_ones() {
        let known = |object, names: &[&'static str]| {
            let errors = read(object, |fields| {
                for name in names {
                    fields.flag(name);
                }
                Some(())
            });
            errors.unwrap_err().remove(0).message
        };
        assert_eq!(
            known(json!({"c": 1}), &["a", "b"]),
            "is not a known field; there are: a, b"
        );
        assert_eq!(
            known(json!({"c": 1}), &[]),
            "is not a known field; there are none"
        );
    }

    #[test]
    fn one_invalid_field_refuses_the_object() {
        let errors = read(json!({"flag": 1}), |fields| Some(fields.flag("flag")));
        assert_eq!(
            errors,
            Err(vec![FieldError::new("flag", "must be true or false")])
        );
    }

    #[test]
    fn null_field_reads_as_absent() {
        let flags = read(json!({"a": null}), |fields| {
            Some((fields.flag("a"), fields.flag("b")))
        });
        assert_eq!(flags, Ok((None, None)));
    }

    #[test]
    fn invalid_required_field_is_reported_once() {
        let errors = read(json!({"text": 1}), |fields| {
            fields.required("text", |fields, name| fields.text(name, 5))
        });
        assert_eq!(
            errors,
            Err(vec![FieldError::new("text", "must be a string")])
        );
    }
}
