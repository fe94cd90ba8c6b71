//! The configuration on the command line: a JSON object, a file with one, or `key=value` words.

use std::fs;

use serde_json::{Map, Value};

use crate::error::Error;

/// Reads the words after `--config` or `--metadata`. No words are an empty object.
pub fn parse(words: &[String]) -> Result<Map<String, Value>, Error> {
    match words {
        [text] if text.trim_start().starts_with('{') => parse_object(text, "the JSON"),
        [name] if name.starts_with('@') => read_object(&name[1..]),
        words => parse_pairs(words),
    }
}

fn read_object(path: &str) -> Result<Map<String, Value>, Error> {
    let text = fs::read_to_string(path).map_err(Error::file(format!("read {path}")))?;
    parse_object(&text, path)
}

fn parse_object(text: &str, name: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Usage(format!("{name} is not a JSON object: {error}")))
}

fn parse_pairs(words: &[String]) -> Result<Map<String, Value>, Error> {
    let mut object = Map::new();
    for word in words {
        let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, text)) = pair else {
            let message = format!("'{word}' is neither key=value, nor a JSON object, nor @file");
            return Err(Error::Usage(message));
        };
        if object.insert(key.to_owned(), parse_value(text)).is_some() {
            return Err(Error::Usage(format!("'{key}' is given twice")));
        }
    }
    Ok(object)
}

/// A value is JSON if it can be read so (`true`, `65536`, `"007"`, `["a"]`), or else text.
fn parse_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Value, Error> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        parse(&words).map(Value::Object)
    }

    #[test]
    fn pairs_have_the_types_of_json() {
        let words = [
            "compression=high",
            "volume_size=65536",
            "generate_nfo=false",
            "group=null",
            "release_name=\"2026\"",
            "template={{ title }} = {{ group }}",
            "subjects=[\"a\", \"b\"]",
            "name=",
        ];
        assert_eq!(
            parsed(&words).unwrap(),
            json!({
                "compression": "high",
                "volume_size": 65536,
                "generate_nfo": false,
                "group": null,
                "release_name": "2026",
                "template": "{{ title }} = {{ group }}",
                "subjects": ["a", "b"],
                "name": "",
            })
        );
    }

    #[test]
    fn configuration_may_be_one_json_object_or_a_file() {
        let object = json!({"compression": "store", "nested": {"a": [1.5]}});
        assert_eq!(parsed(&[&object.to_string()]).unwrap(), object);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), object.to_string()).unwrap();
        assert_eq!(
            parsed(&[&format!("@{}", file.path().display())]).unwrap(),
            object
        );
        assert_eq!(parsed(&[]).unwrap(), json!({}));
    }

    #[test]
    fn other_words_are_refused_by_name() {
        for (words, part) in [
            (vec!["compression"], "'compression'"),
            (vec!["=high"], "'=high'"),
            (vec!["a=1", "a=2"], "'a' is given twice"),
            (vec!["{\"a\": 1"], "not a JSON object"),
            (vec!["{\"a\": 1}", "b=2"], "neither key=value"),
            (vec!["@/does/not/exist"], "/does/not/exist"),
        ] {
            let error = parsed(&words).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
