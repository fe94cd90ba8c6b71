//! The dependencies between crates: one-way layers, and no I/O in the domain.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// The library crates, each with the ones that it uses.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("text", &[]),
    ("jobs", &["text"]),
    ("release-files", &["jobs", "text"]),
    ("aws", &[]),
    ("store", &["aws", "jobs", "text"]),
    ("worker", &["aws", "jobs", "release-files", "store", "text"]),
    ("api", &["aws", "jobs", "store"]),
    ("live", &["api", "aws", "jobs", "store"]),
    ("lambda", &["api", "aws", "jobs", "live", "store", "worker"]),
];

/// Crates that do I/O, by the start of their names.
const NO_IO: [&str; 6] = ["aws-", "tokio", "hyper", "reqwest", "lambda", "axum"];

/// Lists the workspace's packages: name, manifest, and the packages in `[dependencies]`.
fn packages() -> Vec<(String, String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let package = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap();
        let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.map(|dependency| text(&dependency["name"])).collect();
        (
            text(&package["name"]),
            text(&package["manifest_path"]),
            names,
        )
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

#[test]
fn library_crates_depend_on_each_other_only_as_listed() {
    let libraries: BTreeMap<String, BTreeSet<String>> = packages()
        .into_iter()
        .filter(|(_, manifest, _)| manifest.contains("/shared/"))
        .map(|(name, _, dependencies)| (name, dependencies))
        .collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(name, arrows)| (*name, arrows.iter().copied().collect()))
        .collect();
    assert_eq!(
        libraries.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>()
    );
    for (name, dependencies) in &libraries {
        let used: BTreeSet<&str> = dependencies
            .iter()
            .filter(|dependency| libraries.contains_key(*dependency))
            .map(String::as_str)
            .collect();
        assert_eq!(used, allowed[name.as_str()], "{name}");
    }
}

#[test]
fn no_crate_but_the_tests_uses_a_function() {
    let all = packages();
    let functions: BTreeSet<&String> = all
        .iter()
        .filter(|(_, manifest, _)| manifest.contains("/functions/"))
        .map(|(name, _, _)| name)
        .collect();
    assert!(functions.len() > 15, "{functions:?}");
    for (name, manifest, dependencies) in &all {
        let is_tests = manifest.ends_with("/tests/Cargo.toml");
        let used: Vec<_> = dependencies
            .iter()
            .filter(|name| functions.contains(name))
            .collect();
        assert!(is_tests || used.is_empty(), "{name} uses {used:?}");
    }
}

#[test]
fn clients_use_no_crate_of_the_workspace() {
    let all = packages();
    let names: BTreeSet<&String> = all.iter().map(|(name, _, _)| name).collect();
    let clients = all
        .iter()
        .filter(|(_, manifest, _)| manifest.contains("/clients/"));
    let mut count = 0;
    for (name, _, dependencies) in clients {
        let used: Vec<_> = dependencies
            .iter()
            .filter(|name| names.contains(name))
            .collect();
        assert!(used.is_empty(), "{name} uses {used:?}");
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn domain_and_file_crates_use_neither_aws_nor_tokio() {
    for name in ["text", "jobs", "release-files"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                name,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.lines().count() > 1, "{name}: {tree}");
        let found: Vec<&str> = tree
            .lines()
            .filter(|line| NO_IO.iter().any(|io| line.starts_with(io)))
            .collect();
        assert!(found.is_empty(), "{name} uses {found:?}");
    }
}
