//! A template as `CloudFormation` reads it: tags in their long form, loops unrolled,
//! mappings looked up.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// What a loop's variable stands for.
type Bindings<'a> = BTreeMap<String, &'a str>;

/// The project's template.
pub struct Template(Value);

impl Template {
    pub fn load() -> Self {
        Self::parse(include_str!("../../../template.yaml"))
    }

    pub fn parse(text: &str) -> Self {
        let documents = Yaml::load_from_str(text).unwrap();
        let raw = json(&documents[0]);
        let mappings = raw["Mappings"].clone();
        Self(expand(&raw, &Bindings::new(), &mappings))
    }

    /// A part of the template, by its JSON pointer.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("the template has no {pointer}"))
    }

    /// The properties of every resource of one type, by logical id.
    pub fn resources(&self, of_type: &str) -> BTreeMap<&str, &Value> {
        let all = self.at("/Resources").as_object().unwrap();
        let fitting = all
            .iter()
            .filter(|(_, resource)| resource["Type"] == of_type);
        fitting
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect()
    }

    /// The functions: the crate that each is built from, its logical id, its properties.
    pub fn functions(&self) -> BTreeMap<&str, (&str, &Value)> {
        let named =
            self.resources("AWS::Serverless::Function")
                .into_iter()
                .map(|(id, function)| {
                    let folder = text(&function["CodeUri"]);
                    (
                        folder
                            .strip_prefix("build/")
                            .and_then(|name| name.strip_suffix('/'))
                            .unwrap(),
                        (id, function),
                    )
                });
        named.collect()
    }
}

/// The logical ids and parameters that a value refers to, with Ref, `GetAtt` or Sub.
pub fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => match object.iter().next() {
            Some((name, Value::String(target))) if name == "Ref" => [target.clone()].into(),
            Some((name, Value::Array(path))) if name == "Fn::GetAtt" => {
                [text(&path[0]).to_owned()].into()
            }
            Some((name, Value::String(pattern))) if name == "Fn::Sub" => names_in(pattern),
            _ => object.values().flat_map(references).collect(),
        },
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

/// A resource's name as a policy's `Resource` gives it: `Table`, `Table/index/due`.
pub fn arn(value: &Value) -> String {
    match (value.get("Fn::GetAtt"), value.get("Fn::Sub")) {
        (Some(path), _) if path[1] == "Arn" => text(&path[0]).to_owned(),
        (_, Some(pattern)) => text(pattern)
            .replace("${", "")
            .replace(".Arn}", "")
            .replace('}', ""),
        _ => panic!("no ARN: {value}"),
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The values of what may be one or a list.
pub fn list(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |values| values.iter().collect())
}

fn names_in(pattern: &str) -> BTreeSet<String> {
    let parts = pattern
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    let names = parts.map(|(name, _)| name.split('.').next().unwrap_or(name).to_owned());
    names.filter(|name| !name.starts_with("AWS::")).collect()
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value)))
            .collect(),
        Yaml::Tagged(tag, value) => long_form(&tag.suffix, &json(value)),
        other => panic!("not a part of a template: {other:?}"),
    }
}

/// A function's long form: `!Ref X` is `{"Ref": "X"}`, `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`.
fn long_form(tag: &str, value: &Value) -> Value {
    match (tag, value) {
        ("Ref" | "Condition", _) => json!({ tag: value }),
        ("GetAtt", Value::String(path)) => {
            json!({ "Fn::GetAtt": path.splitn(2, '.').collect::<Vec<_>>() })
        }
        _ => json!({ format!("Fn::{tag}"): value }),
    }
}

fn expand(value: &Value, bindings: &Bindings, mappings: &Value) -> Value {
    match value {
        Value::String(text) => json!(substituted(text, bindings)),
        Value::Array(values) => values
            .iter()
            .map(|value| expand(value, bindings, mappings))
            .collect(),
        Value::Object(object) => {
            let mut expanded = Map::new();
            for (key, value) in object {
                if key.starts_with("Fn::ForEach::") {
                    expanded.extend(unrolled(value, bindings, mappings));
                } else {
                    expanded.insert(
                        substituted(key, bindings),
                        expand(value, bindings, mappings),
                    );
                }
            }
            evaluated(expanded, bindings, mappings)
        }
        other => other.clone(),
    }
}

/// A loop, `[variable, values, body]`: the body once for each value.
fn unrolled(each: &Value, bindings: &Bindings, mappings: &Value) -> Map<String, Value> {
    let mut entries = Map::new();
    for value in each[1].as_array().unwrap() {
        let mut inner = bindings.clone();
        inner.insert(text(&each[0]).to_owned(), text(value));
        let body = expand(&each[2], &inner, mappings);
        entries.extend(body.as_object().unwrap().clone());
    }
    entries
}

/// What can be known before the deployment: a loop's variable, a text without placeholders, a
/// mapping's value. Everything else stays.
fn evaluated(object: Map<String, Value>, bindings: &Bindings, mappings: &Value) -> Value {
    match object.iter().next() {
        Some((name, Value::String(target))) if name == "Ref" && bindings.contains_key(target) => {
            json!(bindings[target])
        }
        Some((name, Value::String(pattern))) if name == "Fn::Sub" && !pattern.contains("${") => {
            json!(pattern)
        }
        Some((name, Value::Array(path))) if name == "Fn::FindInMap" => {
            let [map, key, field] = [0, 1, 2].map(|at| text(&path[at]));
            mappings[map][key][field].clone()
        }
        Some((name, Value::Array(parts))) if name == "Fn::Sub" && parts.len() == 2 => {
            let variables = parts[1].as_object().unwrap();
            let bindings = variables
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect();
            json!({ "Fn::Sub": substituted(text(&parts[0]), &bindings) })
        }
        _ => Value::Object(object),
    }
}

fn substituted(text: &str, bindings: &Bindings) -> String {
    bindings
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        })
}
