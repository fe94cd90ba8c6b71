//! The answer of every problem type, as a snapshot.

use std::collections::BTreeSet;

use api::ProblemType;
use dynoxide::Database;
use futures::future::join_all;
use lambda_http::request::RequestContext;
use serde_json::json;
use store::{
    Store,
    testing::{client, serve},
};
use worker::testing::{broken_queue, bucket::Bucket, queue};

use crate::{
    common::{ADMIN, Answer, Api, FakeWork, Limits, OWNER, STRANGER},
    snapshots::{assert_no_others, assert_snapshot},
};

/// A request that is answered with a problem.
struct Request {
    problem: ProblemType,
    caller: (u64, bool),
    method: &'static str,
    path: String,
    body: Option<String>,
}

impl Request {
    /// The owner's request.
    fn new(problem: ProblemType, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            problem,
            caller: OWNER,
            method,
            path: path.into(),
            body: None,
        }
    }

    fn with_body(self, body: &(impl ToString + ?Sized)) -> Self {
        Self {
            body: Some(body.to_string()),
            ..self
        }
    }
}

const RELEASE: u64 = 42;
const KEY: [(&str, &str); 1] = [("Idempotency-Key", "k-1")];

/// Requests about a pending analysis and a completed job.
fn requests_about_jobs(pending: u64, completed: u64) -> Vec<Request> {
    use ProblemType as Type;
    let job = |id: u64, rest: &str| format!("/api/jobs/{id}{rest}");
    let analysis = |id: u64| format!("/api/wizard/jobs/{id}/analysis");
    let forbidden = Request {
        caller: STRANGER,
        ..Request::new(Type::Forbidden, "GET", job(pending, ""))
    };
    vec![
        forbidden,
        Request::new(Type::JobNotFound, "GET", job(5, "")),
        Request::new(Type::JobFinal, "PUT", job(completed, "/cancel")),
        Request::new(Type::JobNotDraft, "PUT", job(pending, "/submit")),
        Request::new(Type::JobNotRetryable, "POST", job(pending, "/retry")),
        Request::new(Type::AnalysisNotFound, "GET", analysis(completed)),
        Request::new(Type::AnalysisNotFinished, "GET", analysis(pending)),
    ]
}

/// Requests that create, or are about a release, or about nothing. `KEY` belongs to an `nfofix` job
/// and `pending` built no package.
fn other_requests(pending: u64) -> Vec<Request> {
    use ProblemType as Type;
    let create = |problem| Request::new(problem, "POST", "/api/jobs");
    let release = json!({"id": RELEASE, "release_type": "ebook"});
    let taken = Request {
        caller: ADMIN,
        ..Request::new(Type::ReleaseIdTaken, "POST", "/api/releases").with_body(&release)
    };
    let release_path = format!("/api/releases/{RELEASE}");
    let restore = json!({"job_id": pending});
    let other_job = json!({"job_type": "dirfix", "release_id": RELEASE});
    vec![
        create(Type::InvalidRequest).with_body(&json!({"job_type": "juggling", "prioritty": 1})),
        create(Type::MalformedBody).with_body("[]"),
        create(Type::TooLarge).with_body(&"x".repeat(300_000)),
        create(Type::IdempotencyKeyReused).with_body(&other_job),
        Request::new(Type::ReleaseNotFound, "GET", "/api/releases/43"),
        taken,
        Request::new(Type::PackageNotKept, "PUT", release_path + "/package").with_body(&restore),
        Request::new(Type::RouteNotFound, "GET", "/api/job"),
        Request::new(Type::MethodNotAllowed, "DELETE", "/api/jobs"),
    ]
}

/// The answers to requests that are refused for what they ask.
async fn refusals() -> Vec<(ProblemType, Answer)> {
    let api = Api::new().await;
    let release = json!({"id": RELEASE, "release_type": "ebook", "user_id": OWNER.0});
    api.send(ADMIN, "POST", "/api/releases", Some(release))
        .await;
    let pending = api.create(json!({"job_type": "analysis"})).await;
    let completed = api.create(json!({"job_type": "nfofix"})).await;
    api.process(completed, FakeWork::Complete(json!({}))).await;
    let body = json!({"job_type": "nfofix", "release_id": RELEASE}).to_string();
    api.send_with(OWNER, "POST", "/api/jobs", Some(body), &KEY)
        .await;

    let mut requests = requests_about_jobs(pending, completed);
    requests.extend(other_requests(pending));
    let mut answers = Vec::new();
    for request in requests {
        answers.push((request.problem, send(&api, request, &KEY).await));
    }
    answers
}

async fn send(api: &Api, request: Request, headers: &[(&str, &str)]) -> Answer {
    let Request {
        caller,
        method,
        path,
        body,
        ..
    } = request;
    let request = Api::request(caller, method, &path, body, headers);
    api.answer(request).await
}

/// A request without the context of a caller, which the gateway lets through to no function.
async fn unauthorized() -> Answer {
    let mut request = Api::request(OWNER, "GET", "/api/jobs", None, &[]);
    let context = request.extensions_mut().get_mut::<RequestContext>();
    let Some(RequestContext::ApiGatewayV2(context)) = context else {
        panic!("no context")
    };
    context.authorizer = None;
    Api::new().await.answer(request).await
}

/// One of several changes of a draft that were made at once.
async fn draft_changed() -> Answer {
    let api = Api::new().await;
    let path = format!("/api/jobs/{}", api.create(json!({"draft": true})).await);
    let change = json!({"job_type": "dirfix"}).to_string();
    let request = || Api::request(OWNER, "PATCH", &path, Some(change.clone()), &[]);
    let answers = join_all((0..10).map(|_| api.answer(request()))).await;
    let conflict = answers.into_iter().find(|answer| answer.status != 200);
    conflict.expect("no two changes met")
}

/// One of several changes of a release's metadata that were made at once.
async fn release_changed() -> Answer {
    let api = Api::new().await;
    let path = format!("/api/releases/{}", api.create_release().await);
    let change = |year: u32| json!({"metadata": {"year": year}}).to_string();
    let request = |year| Api::request(OWNER, "PATCH", &path, Some(change(year)), &[]);
    let answers = join_all((0..10).map(|year| api.answer(request(year)))).await;
    let conflict = answers.into_iter().find(|answer| answer.status != 200);
    conflict.expect("no two changes met")
}

async fn internal_error() -> Answer {
    let endpoint = serve(Database::memory().unwrap()).await;
    let api = Api::over(Store::new(&client(&endpoint), "no-such-table"), queue());
    let request = Api::request(OWNER, "GET", "/api/jobs/5", None, &[]);
    api.answer(request).await
}

async fn unavailable() -> Answer {
    let api = Api::with_queue(broken_queue()).await;
    let job = api.on_release(OWNER, json!({"job_type": "nfofix"})).await;
    let job = job.to_string();
    let request = Api::request(OWNER, "POST", "/api/jobs", Some(job), &[]);
    api.answer(request).await
}

/// Requests of a user who has reached every limit.
async fn limits_reached() -> Vec<(ProblemType, Answer)> {
    use ProblemType as Type;
    let api = Api::with_limits(Limits::new(1, 1, 2, (1, 10)), &Bucket::default()).await;
    api.create(json!({"job_type": "analysis"})).await;
    api.create(json!({"draft": true})).await;
    let release = api.create_release().await;
    let path = format!("/api/releases/{release}/files");
    let file = |size: u64| json!({"path": "book.epub", "size": size});
    let upload = |size| Request::new(Type::TooManyFiles, "POST", &path).with_body(&file(size));
    let job = json!({"job_type": "nfofix", "release_id": release});
    let requests = [
        Request::new(Type::TooManyOpenJobs, "POST", "/api/jobs").with_body(&job),
        Request::new(Type::TooManyDrafts, "POST", "/api/jobs").with_body(&json!({"draft": true})),
        Request::new(Type::TooManyReleases, "POST", "/api/releases")
            .with_body(&json!({"release_type": "ebook"})),
        Request {
            problem: Type::ReleaseTooLarge,
            ..upload(11)
        },
    ];
    let mut answers = Vec::new();
    for request in requests {
        answers.push((request.problem, send(&api, request, &[]).await));
    }
    assert_eq!(send(&api, upload(1), &[]).await.status, 201);
    answers.push((Type::TooManyFiles, send(&api, upload(1), &[]).await));
    answers
}

#[tokio::test]
async fn every_problem_is_answered_as_its_snapshot() {
    let mut answers = refusals().await;
    answers.extend(limits_reached().await);
    answers.extend([
        (ProblemType::Unauthorized, unauthorized().await),
        (ProblemType::DraftChanged, draft_changed().await),
        (ProblemType::ReleaseChanged, release_changed().await),
        (ProblemType::Internal, internal_error().await),
        (ProblemType::Unavailable, unavailable().await),
    ]);
    let met: BTreeSet<ProblemType> = answers.iter().map(|(problem, _)| *problem).collect();
    assert_eq!(met, ProblemType::ALL.iter().copied().collect());

    let mut taken = BTreeSet::new();
    for (problem, answer) in answers {
        assert_eq!(answer.body["type"], problem.urn(), "{answer:?}");
        let name = problem.urn().replace("urn:jobs:", "problem-");
        assert_snapshot(&name, &answer);
        taken.insert(name);
    }
    assert_no_others("problem-", &taken);
}
