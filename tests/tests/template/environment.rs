//! The environment variables of the functions.

use std::collections::BTreeSet;

use lambda::Settings;

use crate::{
    cloudformation::{Template, references},
    functions::FUNCTIONS,
};

/// Variables that name a resource.
const RESOURCES: [(&str, &str); 5] = [
    ("TABLE_NAME", "Table"),
    ("QUEUE_URL", "JobsQueue"),
    ("BUCKET_NAME", "Bucket"),
    ("EVENT_BUS_NAME", "EventBus"),
    ("CONNECTIONS_URL", "LiveApi"),
];

#[test]
fn functions_get_exactly_the_variables_that_they_read() {
    let template = Template::load();
    let functions = template.functions();
    for function in &FUNCTIONS {
        let mut settings = Settings::new(|_| Some("1".to_owned()));
        (function.build)(&mut settings);
        let properties = functions[function.name].1;
        let variables = &properties["Environment"]["Variables"];
        let variables = variables.as_object().cloned().unwrap_or_default();
        let given: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
        assert_eq!(&given, settings.requested(), "{}", function.name);
        for (variable, resource) in RESOURCES {
            let value = variables.get(variable);
            let is_right = value.is_none_or(|value| references(value).contains(resource));
            assert!(is_right, "{variable} of {}", function.name);
        }
    }
}

#[test]
fn every_function_gets_a_log_level() {
    let template = Template::load();
    let globals = template.at("/Globals/Function/Environment/Variables");
    let names: Vec<&String> = globals.as_object().unwrap().keys().collect();
    assert_eq!(names, ["RUST_LOG"]);
}
