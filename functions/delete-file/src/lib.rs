//! `DELETE /api/releases/{id}/files`: deletes one source file.

use std::str::FromStr;

use api::{Answer, PathId, QueryParams, Route, SignedIn, allow_release};
use axum::{Router, extract::State, http::StatusCode};
use jobs::{
    ReleaseId,
    release::{SourcePath, source_prefix},
};
use lambda::Settings;
use store::Store;
use worker::Files;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::delete("/api/releases/{id}/files")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(settings.store(), settings.files())
}

/// Builds the function's router.
pub fn router(store: Store, files: Files) -> Router {
    api::router(&ROUTES, delete_file).with_state((store, files))
}

/// The path of a source file, as the list of files has it.
struct ListedPath(SourcePath);

impl FromStr for ListedPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("source/").map(str::parse);
        match path {
            Some(Ok(path)) => Ok(Self(path)),
            _ => Err("must be the path of a source file, as the list of files has it: source/..."),
        }
    }
}

async fn delete_file(
    State((store, files)): State<(Store, Files)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<ReleaseId>,
    mut params: QueryParams,
) -> Answer<StatusCode> {
    let path = params.required("path");
    params.finish()?;
    allow_release(caller, &store, id).await?;
    if let Some(ListedPath(path)) = path {
        let key = format!("{}{path}", source_prefix(id));
        files.delete_file(&key).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
