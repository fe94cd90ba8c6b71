//! The command line of `jobs release`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::{Paging, id};

/// The commands for releases.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Create a release.
    Create(CreateRelease),
    /// Show a release.
    Show(ReleaseId),
    /// List releases, newest first.
    List(ListReleases),
    /// Upload source files.
    Upload(Upload),
    /// List a release's files.
    Files(ReleaseId),
    /// Download the package, the source files or some of the files.
    Download(Download),
    /// Delete a source file.
    DeleteFile(DeleteFile),
}

/// A release.
#[derive(Debug, Args)]
pub struct ReleaseId {
    /// The release's id.
    #[arg(value_name = "RELEASE", value_parser = id())]
    pub id: u64,
}

/// The arguments of `release create`.
#[derive(Debug, Args)]
pub struct CreateRelease {
    /// The release's type, such as ebook.
    #[arg(value_name = "TYPE")]
    pub release_type: String,
    /// The name.
    #[arg(long)]
    pub name: Option<String>,
    /// The group.
    #[arg(long)]
    pub group: Option<String>,
    /// The metadata: key=value words, a JSON object or @FILE with one.
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub metadata: Vec<String>,
    /// The id, for an admin.
    #[arg(long, value_parser = id())]
    pub id: Option<u64>,
    /// The owner, for an admin.
    #[arg(long, value_name = "ID", value_parser = id())]
    pub user: Option<u64>,
    /// The key that makes the command safe to repeat for a day [default: a new one].
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// The arguments of `release list`.
#[derive(Debug, Args)]
pub struct ListReleases {
    /// Releases of one of these types.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub release_type: Vec<String>,
    /// The pages.
    #[command(flatten)]
    pub paging: Paging,
}

/// The arguments of `release upload`.
#[derive(Debug, Args)]
pub struct Upload {
    /// The release.
    #[command(flatten)]
    pub release: ReleaseId,
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The path in the release, for one file [default: the file's name].
    #[arg(long = "as", value_name = "PATH")]
    pub path: Option<String>,
}

/// The arguments of `release download`.
#[derive(Debug, Args)]
pub struct Download {
    /// The release.
    #[command(flatten)]
    pub release: ReleaseId,
    /// The files, by the paths that 'release files' lists [default: the package].
    #[arg(value_name = "PATH", conflicts_with = "source")]
    pub paths: Vec<String>,
    /// Download the source files instead of the package.
    #[arg(long)]
    pub source: bool,
    /// The folder to download to.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub to: PathBuf,
    /// Replace files that exist.
    #[arg(long)]
    pub force: bool,
}

/// The arguments of `release delete-file`.
#[derive(Debug, Args)]
pub struct DeleteFile {
    /// The release.
    #[command(flatten)]
    pub release: ReleaseId,
    /// The path that 'release files' lists: source/...
    #[arg(value_name = "PATH")]
    pub path: String,
}
