//! Each function is given the environment variables that its code reads, and no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cloudformation::{Template, references},
    crates, source,
};

/// What a variable names, where that is a resource.
const NAMES: [(&str, &str); 4] = [
    ("TABLE_NAME", "Table"),
    ("QUEUE_URL", "JobsQueue"),
    ("DEAD_LETTER_QUEUE_URL", "DeadLetterQueue"),
    ("BUCKET_NAME", "Bucket"),
];

/// What each method of `lambda::Env` reads, itself or through another one.
fn readers() -> BTreeMap<String, BTreeSet<String>> {
    let code = source("shared/lambda/src/app.rs");
    let methods: Vec<(String, &str)> = code
        .split("\n    pub ")
        .filter_map(|method| {
            let (_, signature) = method.split_once("fn ")?;
            Some((signature.split('(').next()?.to_owned(), method))
        })
        .collect();
    let mut readers: BTreeMap<String, BTreeSet<String>> = methods
        .iter()
        .map(|(name, body)| (name.clone(), variables(body)))
        .collect();
    // What is called is read as well; no chain of calls is longer than the list.
    for _ in &methods {
        for (name, body) in &methods {
            let called = readers
                .iter()
                .filter(|(called, _)| body.contains(&format!("self.{called}()")));
            let inherited: BTreeSet<String> = called
                .flat_map(|(_, variables)| variables.clone())
                .collect();
            readers.get_mut(name).unwrap().extend(inherited);
        }
    }
    readers
}

/// The names of variables in a method's body: text in capitals.
fn variables(body: &str) -> BTreeSet<String> {
    let literals = body.split('"').skip(1).step_by(2);
    let names = literals
        .filter(|text| text.len() > 3 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
    names.map(str::to_owned).collect()
}

#[test]
fn each_function_is_given_the_variables_that_it_reads_and_no_others() {
    let (template, readers) = (Template::load(), readers());
    let functions = template.functions();
    for name in crates() {
        let main = source(&format!("functions/{name}/src/main.rs"));
        let called = readers
            .iter()
            .filter(|(method, _)| main.contains(&format!(".{method}(")));
        let read: BTreeSet<String> = called
            .flat_map(|(_, variables)| variables.clone())
            .collect();
        let variables = functions[name.as_str()].1["Environment"]["Variables"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        assert_eq!(read, variables.keys().cloned().collect(), "{name}");
        for (variable, resource) in NAMES {
            let value = variables.get(variable);
            assert!(
                value.is_none_or(|value| references(value).contains(resource)),
                "{variable} of {name}"
            );
        }
    }
}

#[test]
fn every_function_is_told_what_to_log() {
    let globals = Template::load()
        .at("/Globals/Function/Environment/Variables")
        .clone();
    assert_eq!(
        globals.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["RUST_LOG"]
    );
}
