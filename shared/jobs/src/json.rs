//! Parses the JSON of clients and producers.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Number, Value};

/// The deepest nesting of JSON from outside, in levels; the outermost object is the first. What is
/// stored of it can always be read: `serde_json` reads 128 levels.
pub const MAX_JSON_DEPTH: usize = 64;

/// The start of the names by which `serde_json` passes values to itself. It would parse the text
/// in such a field as JSON of its own, with a nesting limit of its own.
const RESERVED_PREFIX: &str = "$serde_json::private::";

/// Not an object, or nested too deeply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a JSON object that nests at most {MAX_JSON_DEPTH} levels deep")]
pub struct InvalidJson;

/// Parses a JSON object from outside.
///
/// # Errors
/// If it is not an object, nests deeper than [`MAX_JSON_DEPTH`], or has a field name that
/// `serde_json` reserves.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, InvalidJson> {
    let mut json = Deserializer::from_slice(bytes);
    let value = Nested(MAX_JSON_DEPTH).deserialize(&mut json);
    match (value, json.end()) {
        (Ok(Value::Object(object)), Ok(())) => Ok(object),
        _ => Err(InvalidJson),
    }
}

/// A value with at most this many levels of objects and arrays.
#[derive(Clone, Copy)]
struct Nested(usize);

impl Nested {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let depth = self.0.checked_sub(1);
        depth
            .map(Self)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let (inside, mut values) = (self.inside()?, Vec::new());
        while let Some(value) = array.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let (inside, mut fields) = (self.inside()?, Map::new());
        while let Some(name) = object.next_key::<String>()? {
            if name.starts_with(RESERVED_PREFIX) {
                return Err(A::Error::custom("a reserved name"));
            }
            fields.insert(name, object.next_value_seed(inside)?);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn arrays(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn object_may_nest_up_to_the_limit() {
        let parse = |depth| parse_object(format!(r#"{{"a": {}}}"#, arrays(depth)).as_bytes());
        assert!(parse(MAX_JSON_DEPTH - 1).is_ok());
        for depth in [MAX_JSON_DEPTH, 100_000] {
            assert_eq!(parse(depth), Err(InvalidJson), "{depth}");
        }
    }

    #[test]
    fn text_in_a_reserved_field_is_not_parsed() {
        let nested = json!(arrays(120));
        for name in ["RawValue", "Number"].map(|name| format!("{RESERVED_PREFIX}{name}")) {
            for object in [
                json!({&name: nested}),
                json!({"a": {&name: nested}}),
                json!({"a": [{"b": 1, &name: "not JSON"}]}),
            ] {
                assert_eq!(
                    parse_object(object.to_string().as_bytes()),
                    Err(InvalidJson)
                );
            }
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "[]",
            "7",
            "null",
            "not json",
            "{} {}",
            r#"{"a": "#,
            "{\"a\": \"\u{1}\"}",
        ] {
            assert_eq!(parse_object(text.as_bytes()), Err(InvalidJson), "{text}");
        }
        assert_eq!(parse_object(b"{\"a\": \"\xFF\"}"), Err(InvalidJson));
    }

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn value_is_read_as_serde_json_reads_it(value in value()) {
            let text = json!({"value": value}).to_string();
            let expected: Map<String, Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse_object(text.as_bytes()), Ok(expected));
        }
    }
}
