//! The commands about releases and their files.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Map, Value, json};
use ureq::http::Method;

use crate::{
    download::{ListedFile, Target, download},
    error::Error,
    http::{Call, Client, new_key, typed, with_query},
    job_commands::print,
    job_config,
    output::{Output, cell},
    pages::{List, entries, joined, number},
    release_args::{self as args, ReleaseCommand},
    upload::upload,
    view,
};

const FORBIDDEN: u16 = 403;
/// The largest page of a release's files.
const PAGE_FILES: u64 = 500;

/// Runs a command about releases.
pub fn run(client: &Client, output: &Output, command: ReleaseCommand) -> Result<(), Error> {
    match command {
        ReleaseCommand::Create(args) => create(client, output, args),
        ReleaseCommand::Show(release) => {
            let path = format!("/api/releases/{}", release.id);
            let release = client.get("read the release", path)?;
            print(output, &release, view::release)
        }
        ReleaseCommand::List(args) => list(client, output, &args),
        ReleaseCommand::Upload(args) => upload_files(client, output, &args),
        ReleaseCommand::Files(release) => {
            let page = list_files(client, release.id)?;
            print(output, &page, |page| view::files(entries(page, "files")))
        }
        ReleaseCommand::Download(args) => download_files(client, output, &args),
        ReleaseCommand::DeleteFile(args) => delete_file(client, output, &args),
    }
}

fn create(client: &Client, output: &Output, args: args::CreateRelease) -> Result<(), Error> {
    let mut body = Map::new();
    body.insert("release_type".to_owned(), json!(args.release_type));
    let metadata = job_config::parse(&args.metadata)?;
    let optional = [
        ("name", args.name.map(Value::from)),
        ("group", args.group.map(Value::from)),
        ("id", args.id.map(Value::from)),
        ("user_id", args.user.map(Value::from)),
        (
            "metadata",
            (!metadata.is_empty()).then_some(Value::Object(metadata)),
        ),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    let release = client.send(&Call {
        action: "create the release",
        method: Method::POST,
        path: "/api/releases".to_owned(),
        body: Some(Value::Object(body)),
        key: Some(args.idempotency_key.unwrap_or_else(new_key)),
    })?;
    print(output, &release, |release| {
        vec![format!("Release {} created", cell(release, "id"))]
    })
}

fn list(client: &Client, output: &Output, args: &args::ListReleases) -> Result<(), Error> {
    let list = List {
        action: "list releases",
        path: "/api/releases".to_owned(),
        entries: "releases",
        parameters: vec![
            ("release_type", joined(&args.release_type)),
            ("user_id", number(args.paging.user)),
            ("limit", number(args.paging.limit)),
        ],
    };
    list.print(client, output, &args.paging, view::releases)
}

fn list_files(client: &Client, release: u64) -> Result<Value, Error> {
    let list = List {
        action: "list the files",
        path: format!("/api/releases/{release}/files"),
        entries: "files",
        parameters: vec![("limit", number(Some(PAGE_FILES)))],
    };
    list.read(client, true)
}

fn upload_files(client: &Client, output: &Output, args: &args::Upload) -> Result<(), Error> {
    let paths = upload_paths(args)?;
    let mut uploaded = Vec::new();
    for (file, path) in args.files.iter().zip(paths) {
        let size = upload(client, output, args.release.id, file, &path)?;
        if !output.is_json {
            output.line(&format!("Uploaded {path} ({size} bytes)"))?;
        }
        uploaded.push(json!({"path": format!("source/{path}"), "size": size}));
    }
    if output.is_json {
        output.document(&json!({"files": uploaded}))?;
    }
    Ok(())
}

/// Returns the path in the release of each file. No two may be the same.
fn upload_paths(args: &args::Upload) -> Result<Vec<String>, Error> {
    if let Some(path) = &args.path {
        return match args.files.len() {
            1 => Ok(vec![path.clone()]),
            _ => Err(Error::Usage(
                "--as names one file, and several are given".to_owned(),
            )),
        };
    }
    let name = |file: &Path| -> Result<String, Error> {
        let name = file.file_name().and_then(|name| name.to_str());
        let message = || Error::Usage(format!("{} has no name in UTF-8; use --as", file.display()));
        name.map(str::to_owned).ok_or_else(message)
    };
    let names: Vec<String> = args
        .files
        .iter()
        .map(|file| name(file))
        .collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(Error::Usage(format!(
            "two files have the name {name}; use --as"
        ))),
        None => Ok(names),
    }
}

fn download_files(client: &Client, output: &Output, args: &args::Download) -> Result<(), Error> {
    let files = chosen_files(client, args)?;
    let create = format!("create {}", args.to.display());
    fs::create_dir_all(&args.to).map_err(Error::file(create))?;
    let target = Target {
        folder: args.to.clone(),
        is_forced: args.force,
    };
    // Before the first download, so that a command does all or nothing where it can.
    files
        .iter()
        .try_for_each(|file| target.prepare(&file.path).map(drop))?;
    let mut downloaded = Vec::new();
    for file in files {
        let path = download_fresh(client, output, args, &file, &target)?;
        let shown = path.display().to_string();
        if !output.is_json {
            output.line(&format!("Downloaded {shown} ({} bytes)", file.size))?;
        }
        downloaded.push(json!({"path": file.path, "size": file.size, "file": shown}));
    }
    if output.is_json {
        output.document(&json!({"files": downloaded}))?;
    }
    Ok(())
}

/// Downloads a file; with a new URL if the first has ended, as after many large files.
fn download_fresh(
    client: &Client,
    output: &Output,
    args: &args::Download,
    file: &ListedFile,
    target: &Target,
) -> Result<std::path::PathBuf, Error> {
    match download(client, output, file, target) {
        Err(Error::Refused(refusal)) if refusal.status == FORBIDDEN => {
            let files = chosen_files(client, args)?;
            let same = files.into_iter().find(|listed| listed.path == file.path);
            let same = same.ok_or(Error::Refused(refusal))?;
            download(client, output, &same, target)
        }
        result => result,
    }
}

/// Lists the files that the command names, or all of the package or the sources.
fn chosen_files(client: &Client, args: &args::Download) -> Result<Vec<ListedFile>, Error> {
    let mut page = list_files(client, args.release.id)?;
    let files: Vec<ListedFile> = typed("list the files", page["files"].take())?;
    if args.paths.is_empty() {
        let (folder, kind) = if args.source {
            ("source/", "source files")
        } else {
            ("package/", "package")
        };
        let mut files = files;
        files.retain(|file| file.path.starts_with(folder));
        let release = args.release.id;
        if files.is_empty() {
            return Err(Error::Failed(format!("release {release} has no {kind}")));
        }
        return Ok(files);
    }
    let find = |path: &String| {
        let found = files.iter().find(|file| file.path == *path).cloned();
        found.ok_or_else(|| Error::Failed(format!("the release has no file {path}")))
    };
    args.paths.iter().map(find).collect()
}

fn delete_file(client: &Client, output: &Output, args: &args::DeleteFile) -> Result<(), Error> {
    let path = format!("/api/releases/{}/files", args.release.id);
    client.send(&Call {
        action: "delete the file",
        method: Method::DELETE,
        path: with_query(&path, &[("path", Some(args.path.clone()))]),
        body: None,
        key: None,
    })?;
    if output.is_json {
        return output.document(&json!({"path": args.path}));
    }
    output.line(&format!("Deleted {}", args.path))
}

#[cfg(test)]
#[path = "release_commands_tests.rs"]
mod tests;
