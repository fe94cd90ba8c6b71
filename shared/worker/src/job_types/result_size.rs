//! Fits what a job has found into what can be stored.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The field of a result that lists the paths of its cut fields: `metadata.subjects`.
const TRUNCATED: &str = "truncated";
/// The length from which a text may be cut, in bytes.
const MIN_CUT_BYTES: usize = 1_000;

/// Fits a result into `limit` bytes of JSON: halves its largest list or text until it fits, and
/// lists the cut fields in `truncated`. A result that fits is unchanged.
pub(super) fn fit_result(result: Value, limit: usize) -> Value {
    let Value::Object(mut result) = result else {
        return result;
    };
    let cut = fit(&mut result, limit);
    if !cut.is_empty() {
        result.insert(TRUNCATED.to_owned(), json!(cut));
    }
    Value::Object(result)
}

/// Fits an object into `limit` bytes of JSON. Returns the paths of the cut fields.
pub(super) fn fit(object: &mut Map<String, Value>, limit: usize) -> BTreeSet<String> {
    let mut cut = BTreeSet::new();
    while json_size(object) > limit {
        let Some((_, path)) = largest(object, "") else {
            break;
        };
        halve(object, &path);
        cut.insert(path);
    }
    cut
}

fn json_size(object: &Map<String, Value>) -> usize {
    object.values().map(|value| value.to_string().len()).sum()
}

/// Finds the list or text with the most JSON. Returns its size and its path.
fn largest(object: &Map<String, Value>, prefix: &str) -> Option<(usize, String)> {
    let found = object.iter().filter_map(|(name, value)| {
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(inner) => largest(inner, &format!("{path}.")),
            Value::Array(items) if !items.is_empty() => Some((value.to_string().len(), path)),
            Value::String(text) if text.len() >= MIN_CUT_BYTES => Some((text.len(), path)),
            _ => None,
        }
    });
    found.max()
}

fn halve(object: &mut Map<String, Value>, path: &str) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match object.get_mut(name) {
        Some(Value::Object(inner)) => halve(inner, rest),
        Some(Value::Array(items)) => items.truncate(items.len() / 2),
        Some(Value::String(text)) => text.truncate(text.floor_char_boundary(text.len() / 2)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_list_or_text_is_halved_until_the_result_fits() {
        let result = json!({
            "metadata": { "title": "A", "subjects": vec!["x".repeat(100); 64], "description": "é".repeat(2_000) },
            "structure": { "files": vec![json!({ "path": "a" }); 10], "files_total": 10 },
        });
        assert_eq!(fit_result(result.clone(), 20_000), result);
        let fitted = fit_result(result, 2_500);
        assert_eq!(
            fitted["truncated"],
            json!(["metadata.description", "metadata.subjects"])
        );
        assert_eq!(fitted["metadata"]["subjects"].as_array().unwrap().len(), 8);
        assert_eq!(fitted["metadata"]["title"], "A");
        assert_eq!(fitted["structure"]["files"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn result_without_lists_is_kept() {
        let result = json!({ "text": "x".repeat(900), "applied": true });
        assert_eq!(fit_result(result.clone(), 10), result);
    }
}
