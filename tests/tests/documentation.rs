//! The documentation says what the code does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources below a folder, tests and the documentation's example left out.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "tests", "testing", "corpus"].contains(&name.as_str()) {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !name.ends_with("tests.rs")
            && name != "example.rs"
        {
            let text = fs::read_to_string(&path).unwrap();
            found.push(
                text.split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

/// The string literals that follow each occurrence of `mark`.
fn literals_after<'a>(text: &'a str, mark: &str) -> impl Iterator<Item = &'a str> {
    let behind = text
        .split(mark)
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"'));
    behind
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_failure_code_is_documented_and_no_other() {
    let mut texts = Vec::new();
    sources(&root().join("functions"), &mut texts);
    sources(&root().join("shared"), &mut texts);
    let mut codes: BTreeSet<String> = texts
        .iter()
        .flat_map(|text| {
            literals_after(text, "failed(").chain(literals_after(text, "Failure::new("))
        })
        .map(str::to_owned)
        .collect();
    let listed = fs::read_to_string(root().join("shared/release-files/src/failure.rs")).unwrap();
    let constants = listed
        .split("pub const ")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1));
    codes.extend(constants.map(str::to_owned));
    codes.extend(
        [
            jobs::INTERNAL,
            jobs::UNAVAILABLE,
            jobs::ATTEMPTS_EXHAUSTED,
            jobs::DEAD_LETTERED,
            jobs::RELEASE_CHANGED,
            jobs::outcome::CRASHED,
        ]
        .map(str::to_owned),
    );
    assert!(codes.len() > 30, "{codes:?}");

    let page = fs::read_to_string(root().join("docs/failure-codes.md")).unwrap();
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(documented, codes);
}

#[test]
fn every_page_is_reached_from_the_readme_and_leads_somewhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            readme.contains(&format!("(docs/{name})")),
            "{name} is not in the README"
        );
        let page = fs::read_to_string(root().join("docs").join(&name)).unwrap();
        for target in page
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
        {
            assert!(
                root().join("docs").join(target).exists(),
                "{name} leads to {target}"
            );
        }
    }
}

#[test]
fn every_job_type_has_its_row() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for job_type in jobs::JobType::ALL {
        assert!(readme.contains(&format!("| `{job_type}` |")), "{job_type}");
    }
}

#[test]
fn every_test_that_the_promises_name_exists() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let words: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect();
    let mut texts = Vec::new();
    for folder in ["functions", "shared", "tests"] {
        everything(&root().join(folder), &mut texts);
    }
    let named: Vec<&&str> = words
        .iter()
        .filter(|name| name.matches('_').count() > 3)
        .collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let heads = [format!("fn {name}("), format!("def {name}(")];
        assert!(
            texts
                .iter()
                .any(|text| heads.iter().any(|head| text.contains(head))),
            "{name}"
        );
    }
}

/// All Rust and Python below a folder.
fn everything(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "py")
        {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}
