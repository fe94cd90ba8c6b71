//! The indexes of the table against those of the last release.
//!
//! A deployment can create or delete one index, and cannot change one (AWS `CloudFormation` User Guide,
//! "`AWS::DynamoDB::Table`", and Amazon `DynamoDB` API Reference, "`UpdateTable`").

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    cloudformation::{Template, list, text},
    source,
};

/// The indexes as last released. Replace its content with that of the template at a release.
const RELEASED: &str = "tests/fixtures/released_indexes.json";

/// The definitions of indexes by their names.
type Indexes = BTreeMap<String, Value>;

/// Returns the indexes of a list of definitions.
fn by_name(indexes: &Value) -> Indexes {
    let indexes = list(indexes).into_iter();
    indexes
        .map(|index| (text(&index["IndexName"]).to_owned(), index.clone()))
        .collect()
}

/// Returns the deployments that lead from the released indexes to the wanted ones, one step each.
/// New indexes come first, because the code of the step before still reads the old ones.
fn steps(released: &Indexes, wanted: &Indexes) -> Vec<String> {
    let mut steps = Vec::new();
    for (name, index) in wanted {
        match released.get(name) {
            None => steps.push(format!("create `{name}`")),
            Some(old) if old != index => {
                steps.push(format!("create `{name}` as it shall be, under a new name"));
            }
            Some(_) => {}
        }
    }
    for (name, old) in released {
        if wanted.get(name) != Some(old) {
            steps.push(format!("delete `{name}`, which no code reads any longer"));
        }
    }
    steps
}

#[test]
fn one_deployment_leads_from_the_last_release_to_the_template() {
    let template = Template::load();
    let wanted = by_name(template.at("/Resources/Table/Properties/GlobalSecondaryIndexes"));
    let released = by_name(&serde_json::from_str(&source(RELEASED)).unwrap());
    let steps = steps(&released, &wanted);
    assert!(
        steps.len() <= 1,
        "one deployment can create or delete one index of a table. Make a release of each of \
         these steps (docs/upgrading.md), and write its indexes to {RELEASED}: {steps:#?}"
    );
}

#[test]
fn each_index_that_differs_takes_steps_of_its_own() {
    let index = |name: &str, projection: &str| json!({"IndexName": name, "Projection": projection});
    let released = by_name(&json!([
        index("a", "ALL"),
        index("b", "ALL"),
        index("c", "ALL")
    ]));
    let count = |wanted: Value| steps(&released, &by_name(&wanted)).len();
    let [a, b, c] = ["a", "b", "c"].map(|name| index(name, "ALL"));
    assert_eq!(count(json!([a, b, c])), 0);
    assert_eq!(count(json!([c, a, b, index("d", "ALL")])), 1);
    assert_eq!(count(json!([a, b])), 1);
    assert_eq!(count(json!([a])), 2);
    assert_eq!(count(json!([a, b, index("d", "ALL")])), 2);
    // An index cannot be changed in place.
    assert_eq!(count(json!([a, b, index("c", "KEYS_ONLY")])), 2);
}
