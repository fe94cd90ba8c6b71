//! The answer of every route to a request that succeeds, as a snapshot.

use std::collections::BTreeSet;

use api::Route;
use serde_json::{Value, json};
use worker::testing::files_with_text;

use crate::{
    common::{ADMIN, Api, FakeWork, OWNER, functions::FUNCTIONS},
    snapshots::{assert_no_others, assert_snapshot},
};

const RELEASE: u64 = 42;

/// A request of the owner's, and the name of the snapshot of its answer.
struct Request {
    name: &'static str,
    route: Route,
    query: &'static str,
    /// The id in the path.
    id: u64,
    body: Option<Value>,
    accept: &'static str,
}

impl Request {
    const fn new(name: &'static str, route: Route, id: u64) -> Self {
        Self {
            name,
            route,
            query: "",
            id,
            body: None,
            accept: "*/*",
        }
    }

    fn with_body(name: &'static str, route: Route, id: u64, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::new(name, route, id)
        }
    }

    fn path(&self) -> String {
        let path = self.route.path;
        let path = match path.split_once(['{', '}']) {
            Some((start, rest)) => {
                let (_, end) = rest.split_once('}').unwrap();
                format!("{start}{}{end}", self.id)
            }
            None => path.to_owned(),
        };
        format!("{path}{}", self.query)
    }
}

/// Jobs of the owner's in every state that a route needs.
struct Jobs {
    pending: u64,
    running: u64,
    draft: u64,
    complete_draft: u64,
    failed: u64,
    analysis: u64,
    replaced_package: u64,
}

impl Jobs {
    async fn create(api: &Api) -> Self {
        let release = json!({
            "id": RELEASE,
            "release_type": "ebook",
            "metadata": {"title": "A Book"},
            "user_id": OWNER.0,
        });
        api.send(ADMIN, "POST", "/api/releases", Some(release))
            .await;
        let packaging = json!({"job_type": "packaging", "release_id": RELEASE});
        let jobs = Self {
            pending: api.create(json!({"job_type": "nfofix"})).await,
            running: api.create(json!({"job_type": "nfofix"})).await,
            draft: api.create(json!({"draft": true})).await,
            complete_draft: api
                .create(json!({"draft": true, "job_type": "dirfix", "release_id": RELEASE}))
                .await,
            failed: api.create(packaging.clone()).await,
            analysis: api.create(json!({"job_type": "analysis"})).await,
            replaced_package: api.create(packaging.clone()).await,
        };
        api.claim(jobs.running, api.clock.clock().now()).await;
        api.process(jobs.failed, FakeWork::Fail).await;
        let found = json!({
            "metadata": {"title": "A Book"},
            "mediainfo": {"format": "epub"},
            "structure": {"files": 1},
            "contents": {"entries_total": 2},
            "accessibility": null,
            "cover": {"path": "cover.png", "thumbnail": {"width": 2, "height": 3, "size": 4}},
        });
        api.process(jobs.analysis, FakeWork::Complete(found)).await;
        let package = FakeWork::Package(json!({"files": []}));
        api.process(jobs.replaced_package, package.clone()).await;
        api.process(api.create(packaging).await, package).await;
        jobs
    }
}

/// Requests about jobs, in an order in which each succeeds.
fn job_requests(jobs: &Jobs) -> Vec<Request> {
    use get_job_analysis::ROUTES as ANALYSIS;
    use get_job_logs::ROUTES as LOGS;
    use get_job_status::ROUTES as STATUS;

    let as_text = Request {
        accept: "text/plain",
        ..Request::new("get-job-logs-as-text", LOGS[0], jobs.failed)
    };
    let one_job = Request {
        query: "?status=failed&limit=1",
        ..Request::new("list-jobs", list_jobs::ROUTES[0], 0)
    };
    let job = json!({
        "job_type": "packaging",
        "release_id": RELEASE,
        "config_json": {"compression": "high"},
    });
    let draft = json!({"draft": true});
    let change = json!({"job_type": "packaging"});
    vec![
        one_job,
        Request::new("get-job", get_job::ROUTES[0], jobs.failed),
        Request::new("get-job-status", STATUS[0], jobs.pending),
        Request::new("get-wizard-job-status", STATUS[1], jobs.draft),
        Request::new("get-job-logs", LOGS[0], jobs.failed),
        as_text,
        Request::new("get-wizard-job-logs", LOGS[1], jobs.failed),
        Request::new("get-job-analysis", ANALYSIS[0], jobs.analysis),
        Request::with_body("create-job", create_job::ROUTES[0], 0, job),
        Request::with_body("create-job-as-draft", create_job::ROUTES[0], 0, draft),
        Request::with_body("update-job", update_job::ROUTES[0], jobs.draft, change),
        Request::new("submit-job", submit_job::ROUTES[0], jobs.complete_draft),
        Request::new("retry-job", retry_job::ROUTES[0], jobs.failed),
        Request::new("cancel-job", cancel_job::ROUTES[0], jobs.pending),
        Request::new("cancel-running-job", cancel_job::ROUTES[0], jobs.running),
    ]
}

/// Requests about releases, and the rest.
fn other_requests(jobs: &Jobs) -> Vec<Request> {
    let release = json!({
        "release_type": "ebook",
        "name": "A Book",
        "group": "GRP",
        "metadata": {"title": "A Book"},
    });
    let file = json!({"path": "book.epub", "size": 1});
    let package = json!({"job_id": jobs.replaced_package});
    let jobs_of_release = Request {
        query: "?limit=1",
        ..Request::new("list-release-jobs", list_release_jobs::ROUTES[0], RELEASE)
    };
    vec![
        jobs_of_release,
        Request::new("list-releases", list_releases::ROUTES[0], 0),
        Request::with_body("create-release", create_release::ROUTES[0], 0, release),
        Request::new("get-release", get_release::ROUTES[0], RELEASE),
        Request::with_body(
            "update-release",
            update_release::ROUTES[0],
            RELEASE,
            json!({"group": "GRP", "metadata": {"year": 2021}}),
        ),
        Request::with_body(
            "restore-package",
            restore_package::ROUTES[0],
            RELEASE,
            package,
        ),
        Request::new("list-release-files", list_release_files::ROUTES[0], RELEASE),
        Request::with_body(
            "add-release-file",
            add_release_file::ROUTES[0],
            RELEASE,
            file,
        ),
        Request {
            query: "?path=source/book.epub",
            ..Request::new("delete-file", delete_file::ROUTES[0], RELEASE)
        },
        Request::new("create-live-ticket", create_live_ticket::ROUTES[0], 0),
        Request::new("get-me", get_me::ROUTES[0], 0),
        Request::new("get-root", get_console::ROUTES[0], 0),
        Request::new("get-health", get_health::ROUTES[0], 0),
    ]
}

#[tokio::test]
async fn every_route_answers_as_its_snapshot() {
    let api = Api::with_files(files_with_text("It was a dark night.")).await;
    let jobs = Jobs::create(&api).await;
    let mut requests = job_requests(&jobs);
    requests.extend(other_requests(&jobs));

    let asked: BTreeSet<Route> = requests.iter().map(|request| request.route).collect();
    let mut routes: BTreeSet<Route> = FUNCTIONS
        .iter()
        .flat_map(|function| function.routes)
        .copied()
        .collect();
    // Their answers are files: see the tests of the template's document and of get-console.
    assert!(routes.remove(&get_openapi::ROUTES[0]));
    assert!(routes.remove(&get_console::ROUTES[1]));
    assert!(routes.remove(&get_console::ROUTES[2]));
    assert_eq!(asked, routes);

    let mut taken = BTreeSet::new();
    for request in requests {
        let (method, body) = (request.route.method.as_str(), request.body.as_ref());
        let body = body.map(Value::to_string);
        let headers = [("accept", request.accept)];
        let sent = Api::request(OWNER, method, &request.path(), body, &headers);
        let answer = api.answer(sent).await;
        assert!(matches!(answer.status, 200..=204 | 307), "{answer:?}");
        let name = format!("answer-{}", request.name);
        assert_snapshot(&name, &answer);
        taken.insert(name);
    }
    assert_no_others("answer-", &taken);
}

#[tokio::test]
async fn health_needs_no_caller() {
    let mut request = Api::request(OWNER, "GET", "/health", None, &[]);
    request.extensions_mut().clear();
    assert_eq!(Api::new().await.answer(request).await.status, 200);
}
