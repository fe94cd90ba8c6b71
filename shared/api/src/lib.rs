//! The HTTP API: routes, inputs, responses, problems and authentication. No other crate names a
//! status code.

mod access;
pub mod auth;
mod create;
mod extract;
mod finish;
mod limits;
mod list;
mod problem;
mod query;
mod route;
#[cfg(feature = "testing")]
pub mod testing;
mod views;

pub use self::{
    access::{allow_job, allow_release, check_release},
    create::create_answer,
    extract::{Body, IdempotencyKeyHeader, PathId, PathResource, SignedIn, SignedInFor},
    finish::finish,
    limits::{AnotherJob, JobLimits, UserLimit},
    list::{ListParams, key_page, list_page, read_key},
    problem::{Counted, JobAction, Problem, ProblemType, Resource},
    query::{NoParams, QueryParams},
    route::{Method, Route, SERVICE_DESC, router},
    views::{
        AnalysisView, CancelView, DetailsView, FileView, FilesView, JobView, LineView, LogsView,
        MeView, PageView, ReleaseView, ReleasesView, StatusView, UploadView, created, job_answer,
        release_answer,
    },
};

/// The result of a handler.
pub type Answer<T> = Result<T, Problem>;
