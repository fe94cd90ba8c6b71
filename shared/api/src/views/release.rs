//! Views of a release, its packages and its files.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jobs::{
    JobId, ReleaseId, Time, UserId,
    release::{Package, Release, ReleaseSummary, ReplacedPackage},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// A release.
#[derive(Debug, Serialize)]
pub struct ReleaseView {
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    name: Option<String>,
    group: Option<String>,
    metadata: Map<String, Value>,
    package: Option<PackageView>,
    replaced_packages: Vec<ReplacedPackageView>,
    created_at: Time,
}

#[derive(Debug, Serialize)]
struct PackageView {
    job_id: JobId,
    version: u32,
    since: Time,
}

/// A package that can be restored until it expires.
#[derive(Debug, Serialize)]
struct ReplacedPackageView {
    #[serde(flatten)]
    package: PackageView,
    expires_at: Time,
}

impl From<Package> for PackageView {
    fn from(package: Package) -> Self {
        Self {
            job_id: package.job_id,
            version: package.version,
            since: package.since,
        }
    }
}

impl From<ReplacedPackage> for ReplacedPackageView {
    fn from(replaced: ReplacedPackage) -> Self {
        Self {
            package: replaced.package.into(),
            expires_at: replaced.expires_at,
        }
    }
}

impl From<Release> for ReleaseView {
    fn from(release: Release) -> Self {
        let replaced = release.replaced.into_iter();
        Self {
            id: release.id,
            user_id: release.user_id,
            release_type: release.release_type,
            name: release.name,
            group: release.group,
            metadata: release.metadata,
            package: release.package.map(PackageView::from),
            replaced_packages: replaced.map(ReplacedPackageView::from).collect(),
            created_at: release.created_at,
        }
    }
}

/// A page of a list of releases.
#[derive(Debug, Serialize)]
pub struct ReleasesView {
    /// The releases, newest first.
    pub releases: Vec<ReleaseSummaryView>,
    /// The cursor of the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// A release in a list.
#[derive(Debug, Serialize)]
pub struct ReleaseSummaryView {
    id: ReleaseId,
    user_id: UserId,
    release_type: String,
    name: Option<String>,
    group: Option<String>,
    title: Option<String>,
    package: Option<PackageView>,
    created_at: Time,
}

impl From<ReleaseSummary> for ReleaseSummaryView {
    fn from(release: ReleaseSummary) -> Self {
        Self {
            id: release.id,
            user_id: release.user_id,
            release_type: release.release_type,
            name: release.name,
            group: release.group,
            title: release.title,
            package: release.package.map(PackageView::from),
            created_at: release.created_at,
        }
    }
}

/// Responds with a release: 201 for a new one, 200 for one that an earlier request created. The
/// `Location` header has its path.
#[must_use]
pub fn release_answer(release: Release, is_new: bool) -> Response {
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let location = format!("/api/releases/{}", release.id);
    let body = Json(ReleaseView::from(release));
    (status, [(header::LOCATION, location)], body).into_response()
}

/// A presigned upload of a file.
#[derive(Debug, Serialize)]
pub struct UploadView {
    path: String,
    upload: Upload,
}

#[derive(Debug, Serialize)]
struct Upload {
    method: &'static str,
    url: String,
    headers: Map<String, Value>,
    expires_at: Time,
}

impl UploadView {
    /// Creates the view of an upload to `path`, valid until `expires_at`. The client must send
    /// `headers` with it.
    #[must_use]
    pub fn new(
        path: String,
        url: String,
        headers: Vec<(String, String)>,
        expires_at: Time,
    ) -> Self {
        let headers = headers.into_iter();
        let headers = headers.map(|(name, value)| (name, Value::String(value)));
        Self {
            path,
            upload: Upload {
                method: "PUT",
                url,
                headers: headers.collect(),
                expires_at,
            },
        }
    }
}

/// A page of the files of a release.
#[derive(Debug, Serialize)]
pub struct FilesView {
    /// The source files, then the files of the current package.
    pub files: Vec<FileView>,
    /// The cursor of the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// A file of a release.
#[derive(Debug, Serialize)]
pub struct FileView {
    /// `source/...`, or `package/...` for the current package.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// The time of its last change.
    pub last_modified: Option<Time>,
    /// A presigned URL to download it.
    pub url: String,
}
