//! The templates as JSON, with `CloudFormation`'s tags in their long form.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

pub struct Template(Value);

impl Template {
    pub fn load() -> Self {
        Self::parse(include_str!("../../../template.yaml"))
    }

    /// The nested application of alarms and dashboard.
    pub fn monitoring() -> Self {
        Self::parse(include_str!("../../../monitoring.yaml"))
    }

    fn parse(text: &str) -> Self {
        Self(parse(text))
    }

    /// Returns the part of the template at a JSON pointer.
    pub fn at(&self, pointer: &str) -> &Value {
        let part = self.0.pointer(pointer);
        part.unwrap_or_else(|| panic!("the template has no {pointer}"))
    }

    /// Returns the properties of every resource of a type, by logical ID.
    pub fn resources(&self, of_type: &str) -> BTreeMap<&str, &Value> {
        let all = self.at("/Resources").as_object().unwrap().iter();
        all.filter(|(_, resource)| resource["Type"] == of_type)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect()
    }

    /// Returns the logical ID and the properties of every function, by its crate.
    pub fn functions(&self) -> BTreeMap<&str, (&str, &Value)> {
        let functions = self.resources("AWS::Serverless::Function").into_iter();
        functions
            .map(|(id, function)| (crate_of(function), (id, function)))
            .collect()
    }
}

/// Parses a YAML document.
pub fn parse(text: &str) -> Value {
    json(&Yaml::load_from_str(text).unwrap()[0])
}

/// Returns the crate that a function is built from.
pub fn crate_of(function: &Value) -> &str {
    let name = text(&function["CodeUri"]).strip_prefix("build/");
    name.and_then(|name| name.strip_suffix('/')).unwrap()
}

/// Returns the resources and parameters that a value refers to with `Ref`, `GetAtt` or `Sub`.
pub fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => match object.iter().next() {
            Some((name, Value::String(target))) if name == "Ref" => [target.clone()].into(),
            Some((name, Value::String(path))) if name == "Fn::GetAtt" => [resource(path)].into(),
            Some((name, Value::String(pattern))) if name == "Fn::Sub" => {
                let names = pattern.split("${").skip(1).map(resource);
                names.filter(|name| !name.starts_with("AWS::")).collect()
            }
            _ => object.values().flat_map(references).collect(),
        },
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

/// Returns the name at the start of `Name.Attribute` or `Name}...`.
fn resource(path: &str) -> String {
    path.split(['.', '}']).next().unwrap().to_owned()
}

/// Returns the name of a policy's `Resource`, such as `Table` or `Table/index/due`.
pub fn arn(value: &Value) -> String {
    if let Some(path) = value.get("Fn::GetAtt") {
        let name = text(path).strip_suffix("Arn").unwrap();
        return name.strip_suffix('.').unwrap_or(name).to_owned();
    }
    if let Some(all) = value.as_str() {
        return all.to_owned();
    }
    let pattern = text(&value["Fn::Sub"]);
    pattern
        .replace("${", "")
        .replace(".Arn}", "")
        .replace('}', "")
}

pub fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a string: {value}"))
}

/// Returns the values of a property that is one value or a list.
pub fn list(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |values| values.iter().collect())
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value)))
                .collect()
        }
        Yaml::Tagged(tag, value) => match tag.suffix.as_str() {
            "Ref" => json!({ "Ref": json(value) }),
            name => json!({ format!("Fn::{name}"): json(value) }),
        },
        other => panic!("unexpected YAML: {other:?}"),
    }
}
