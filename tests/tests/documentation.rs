//! The parts of the docs that must match the code.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use jobs::{Event, FailureCode, Status};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a page with its generated text, or writes the page if `UPDATE_DOCS` is set.
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
fn pages_are_linked_from_the_readme_and_have_no_dead_links() {
    let docs = root().join("docs");
    let mut pages: Vec<PathBuf> = ["README", "CHANGELOG", "CONTRIBUTING", "SECURITY"]
        .iter()
        .map(|name| root().join(format!("{name}.md")))
        .filter(|path| path.exists())
        .collect();
    pages_below(&docs, &mut pages);
    for path in &pages {
        if path.starts_with(&docs) {
            let (index, link) = listed_in(&docs, path);
            let entry = format!("({link})");
            assert!(
                read(&index).contains(&entry),
                "{} does not list {link}",
                index.display()
            );
        }
        for target in links(&read(path)) {
            assert!(
                has_target(path, target),
                "{} has a dead link: {target}",
                path.display()
            );
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn pages_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages_below(&path, found);
        } else if path.extension().is_none_or(|extension| extension != "png") {
            found.push(path);
        }
    }
}

/// Returns the page that must list `page`, and the link in it. A folder's `README.md` lists its pages,
/// the project's lists all others.
fn listed_in(docs: &Path, page: &Path) -> (PathBuf, String) {
    let index = page.with_file_name("README.md");
    if page.parent() == Some(docs) || page == index {
        let below = page.strip_prefix(docs).unwrap();
        (
            root().join("README.md"),
            format!("docs/{}", below.display()),
        )
    } else {
        (
            index,
            page.file_name().unwrap().to_string_lossy().into_owned(),
        )
    }
}

fn links(page: &str) -> impl Iterator<Item = &str> {
    let rests = page.split("](").skip(1);
    rests.map(|rest| rest.split(')').next().unwrap())
}

/// Returns whether a link in `page` has an existing target: a file or, with an anchor, a heading.
fn has_target(page: &Path, target: &str) -> bool {
    if target.starts_with("https://") {
        return true;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        page.to_owned()
    } else {
        page.with_file_name(file)
    };
    path.exists() && (anchor.is_empty() || has_heading(&read(&path), anchor))
}

/// Returns whether a heading has this anchor on GitHub.
fn has_heading(page: &str, anchor: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let mut anchors = headings.map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.replace(' ', "-");
        kept.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
    });
    anchors.any(|each| each == anchor)
}

#[test]
fn operating_page_lists_the_reasons_for_dead_letters() {
    let page = read(&root().join("docs/operating.md"));
    let (_, table) = page
        .split_once("\n| `reason` | the message can never succeed because |\n| --- | --- |\n")
        .unwrap();
    let listed: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
    let reasons = worker::DeadLetterReason::ALL.iter();
    let rows = reasons.map(|reason| format!("| `{}` | {} |", reason.as_str(), reason.meaning()));
    assert_eq!(listed, rows.collect::<Vec<_>>());
}

#[test]
fn readme_lists_every_job_type() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for job_type in jobs::JobType::ALL {
        assert!(
            readme.contains(&format!("| `{job_type}` |")),
            "README.md does not list {job_type}"
        );
    }
}

#[test]
fn lifecycle_diagram_shows_the_allowed_transitions() {
    let page = fs::read_to_string(root().join("docs/job-lifecycle.md")).unwrap();
    let (_, diagram) = page.split_once("stateDiagram-v2\n").unwrap();
    let (diagram, _) = diagram.split_once("```").unwrap();
    let mut shown: Vec<String> = diagram.lines().map(|line| line.trim().to_owned()).collect();
    shown.sort_unstable();

    // A job is created as a draft or pending.
    let mut allowed = vec![
        "[*] --> draft: create".to_owned(),
        "[*] --> pending: create".to_owned(),
    ];
    for status in Status::ALL {
        if status.is_final() {
            allowed.push(format!("{status} --> [*]"));
        }
        for event in Event::ALL {
            if let Some(next) = status.after(event) {
                allowed.push(format!("{status} --> {next}: {event}"));
            }
        }
    }
    allowed.sort_unstable();
    assert_eq!(shown, allowed);
}
