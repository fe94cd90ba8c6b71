//! The documentation says what the code does.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use jobs::FailureCode;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a page with what the code generates, or writes it where `UPDATE_DOCS` is set.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not of the product"
)]
fn assert_page(name: &str, generated: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, generated).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page == generated,
        "docs/{name} is out of date: run the tests with UPDATE_DOCS=1"
    );
}

#[test]
fn failure_codes_page_lists_the_codes() {
    let (owner, system): (Vec<FailureCode>, Vec<FailureCode>) = FailureCode::ALL
        .iter()
        .partition(|code| code.remedy().is_some());
    let mut page = "# Failure codes

`error.code` of a failed job, and of an attempt in the job's details. The codes are part of the API: none is renamed, and
none changes its meaning. `error.message` is a sentence for the job's owner that names the file or entry; its wording may
change at any time. This page is generated from the code.

## What the owner can fix
| code | a job fails with it if | what to do |
| --- | --- | --- |
"
    .to_owned();
    for code in owner {
        let remedy = code.remedy().unwrap();
        writeln!(page, "| `{code}` | {} | {remedy} |", code.meaning()).unwrap();
    }
    page += "
## What the owner cannot fix
The codes without a mark occur in attempts only: the job is tried again until its attempts are used up. An operator is
alerted to those marked *internal*.

| code | what happened | |
| --- | --- | --- |
";
    for code in system {
        let mark = match code {
            code if code.is_internal() => "*internal*",
            FailureCode::Failed => "by an operator",
            _ => "",
        };
        writeln!(page, "| `{code}` | {} | {mark} |", code.meaning()).unwrap();
    }
    assert_page("failure-codes.md", &page);
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
