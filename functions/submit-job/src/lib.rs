//! `PUT /api/jobs/{id}/submit`: submits a draft.

use api::{
    AnotherJob, Answer, Body, JobAction, JobLimits, NoParams, PathId, Problem, Resource, Route,
    SignedIn, UserLimit, allow_job, job_answer,
};
use axum::{Router, extract::State, response::Response};
use jobs::{Job, JobId, JobType, Status};
use lambda::Settings;
use store::{Documents, SubmitOutcome};
use worker::{Submissions, check_config};

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::put("/api/jobs/{id}/submit")];

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let open = settings.user_limit("USER_OPEN_JOB_LIMIT");
    router(settings.submissions(), open)
}

/// Builds the function's router. `open` limits a user's open jobs.
pub fn router(submissions: Submissions, open: UserLimit) -> Router {
    let limits = JobLimits {
        open,
        ..JobLimits::default()
    };
    api::router(&ROUTES, submit_job).with_state((submissions, limits))
}

async fn submit_job(
    State((submissions, limits)): State<(Submissions, JobLimits)>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<JobId>,
    _: NoParams,
    body: Option<Body>,
) -> Answer<Response> {
    body.unwrap_or_default().read_nothing()?;
    let (draft, documents) = submissions.store().job_with_documents(id).await?.unzip();
    let draft = allow_job(caller, draft)?;
    if draft.status() != Status::Draft {
        return Err(Problem::wrong_status(draft.status(), JobAction::Submit));
    }
    let documents = documents.unwrap_or_default();
    check_complete(&draft, &documents)?;
    let store = submissions.store();
    let another = AnotherJob {
        owner: draft.created_by,
        release_id: draft.release_id,
        draft: false,
        key: None,
    };
    let now = submissions.now();
    limits.allow(caller, store, another, now).await?;
    match submissions.submit(&draft, caller.admin).await? {
        SubmitOutcome::Submitted(job) => Ok(job_answer(job, documents, true)),
        SubmitOutcome::NotADraft(job) => Err(Problem::not_as_seen(&job, JobAction::Submit)),
        SubmitOutcome::Missing => Err(Problem::not_found(Resource::Job)),
    }
}

/// Checks that the draft has all that a job needs. It was checked as far as it went when it was
/// written, maybe by an earlier version.
fn check_complete(draft: &Job, documents: &Documents) -> Answer<()> {
    let required = |field| Problem::invalid_field(field, "is required");
    let job_type: JobType = draft.job_type.ok_or_else(|| required("job_type"))?;
    if job_type.needs_release() && draft.release_id.is_none() {
        return Err(required("release_id"));
    }
    Ok(check_config(job_type, &documents.config)?)
}
