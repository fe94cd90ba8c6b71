//! The API's document against the code and the template: routes, authorization, enumerations.

use std::collections::{BTreeMap, BTreeSet};

use api::ProblemType;
use jobs::{FailureCode, JobType, Level, RunOutcome, Status};
use serde_json::{Value, json};

use crate::{
    cloudformation::{list, parse, text},
    contract, root, source,
};

/// The methods of the routes, as the document names them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The operations without a token.
const OPEN: [&str; 5] = [
    "GET /",
    "GET /console",
    "GET /console/{path}",
    "GET /health",
    "GET /openapi.json",
];

fn document() -> Value {
    parse(&source("openapi.yaml"))
}

/// Returns each operation of the document by its route, such as `GET /api/jobs`.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.insert(format!("{} {path}", method.to_uppercase()), operation);
            }
        }
    }
    operations
}

/// Returns the values of an enumeration.
fn values(document: &Value, schema: &str) -> BTreeSet<String> {
    let values = list(&document["components"]["schemas"][schema]["enum"]).into_iter();
    values.map(|value| text(value).to_owned()).collect()
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn document_has_every_route_and_no_other() {
    let document = document();
    let described: BTreeSet<String> = operations(&document).into_keys().collect();
    // OpenAPI has no sign for a parameter that takes the rest of a path.
    let routes = contract().into_keys().map(|key| key.replace("+}", "}"));
    assert_eq!(described, routes.collect());
}

#[test]
fn every_operation_but_those_without_a_token_needs_one() {
    let document = document();
    assert_eq!(document["security"], json!([{"token": []}]));
    for (route, operation) in operations(&document) {
        let open = json!([]);
        let expected = OPEN.contains(&route.as_str()).then_some(&open);
        assert_eq!(operation.get("security"), expected, "{route}");
        let refuses = operation["responses"].get("401").is_some();
        assert_eq!(refuses, expected.is_none(), "{route}");
    }
}

#[test]
fn operations_have_a_name_of_their_own_a_summary_and_a_tag() {
    let document = document();
    let tags = list(&document["tags"]).into_iter();
    let tags: BTreeSet<&str> = tags.map(|tag| text(&tag["name"])).collect();
    let mut ids = BTreeSet::new();
    for (route, operation) in operations(&document) {
        assert!(ids.insert(text(&operation["operationId"])), "{route}");
        assert!(!text(&operation["summary"]).ends_with('.'), "{route}");
        assert!(tags.contains(text(&operation["tags"][0])), "{route}");
    }
}

#[test]
fn enumerations_are_those_of_the_code() {
    let document = document();
    for (schema, expected) in [
        ("Status", names(Status::ALL.iter().map(|one| one.as_str()))),
        (
            "JobType",
            names(JobType::ALL.iter().map(|one| one.as_str())),
        ),
        ("Level", names(Level::ALL.iter().map(|one| one.as_str()))),
        (
            "RunOutcome",
            names(RunOutcome::ALL.iter().map(|one| one.as_str())),
        ),
        (
            "FailureCode",
            names(FailureCode::ALL.iter().map(|one| one.as_str())),
        ),
        (
            "ProblemType",
            names(ProblemType::ALL.iter().map(|one| one.urn())),
        ),
    ] {
        assert_eq!(values(&document, schema), expected, "{schema}");
    }
}

#[test]
fn version_is_that_of_the_code() {
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// A client that is generated from an open schema would take a field's old name for a new one.
#[test]
fn objects_with_fields_are_closed() {
    // Parts of other schemas, and what clients and job types fill.
    let open = ["JobState", "Polling", "JobFields", "Metadata"];
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let has_fields = schema.get("properties").is_some();
        let is_closed = schema.get("additionalProperties") == Some(&json!(false));
        assert!(
            !has_fields || is_closed || open.contains(&name.as_str()),
            "{name}"
        );
    }
}

/// `openapi.json` is what the API serves: the same without comments, anchors and line breaks.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
fn served_document_is_that_of_the_source() {
    let generated = document().to_string() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root().join("openapi.json"), &generated).unwrap();
    }
    assert!(
        source("openapi.json") == generated,
        "openapi.json is out of date: run the tests with UPDATE_DOCS=1"
    );
}
