//! The template against the code: functions, routes, variables, permissions, limits.

mod aws_only;
mod cloudformation;
mod document;
mod environment;
#[path = "../common/functions.rs"]
mod functions;
mod indexes;
mod limits;
mod monitoring;
mod permissions;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cloudformation::{Template, list, references, text};
use functions::FUNCTIONS;
use serde_json::{Value, json};

/// The routes of the API, each with its function.
const CONTRACT: [(&str, &str); 28] = [
    ("GET /api/jobs", "list-jobs"),
    ("POST /api/jobs", "create-job"),
    ("GET /api/jobs/{id}", "get-job"),
    ("PATCH /api/jobs/{id}", "update-job"),
    ("GET /api/jobs/{id}/status", "get-job-status"),
    ("GET /api/jobs/{id}/logs", "get-job-logs"),
    ("PUT /api/jobs/{id}/cancel", "cancel-job"),
    ("PUT /api/jobs/{id}/submit", "submit-job"),
    ("POST /api/jobs/{id}/retry", "retry-job"),
    ("GET /api/wizard/jobs/{job_id}/status", "get-job-status"),
    ("GET /api/wizard/jobs/{job_id}/logs", "get-job-logs"),
    ("GET /api/wizard/jobs/{job_id}/analysis", "get-job-analysis"),
    ("GET /api/releases/{id}/jobs", "list-release-jobs"),
    ("GET /api/releases", "list-releases"),
    ("POST /api/releases", "create-release"),
    ("GET /api/releases/{id}", "get-release"),
    ("PATCH /api/releases/{id}", "update-release"),
    ("PUT /api/releases/{id}/package", "restore-package"),
    ("POST /api/releases/{id}/files", "add-release-file"),
    ("GET /api/releases/{id}/files", "list-release-files"),
    ("DELETE /api/releases/{id}/files", "delete-file"),
    ("POST /api/live/ticket", "create-live-ticket"),
    ("GET /api/me", "get-me"),
    ("GET /openapi.json", "get-openapi"),
    ("GET /", "get-console"),
    ("GET /console", "get-console"),
    ("GET /console/{path+}", "get-console"),
    ("GET /health", "get-health"),
];

/// The routes without a token.
const OPEN: [&str; 6] = [
    "GET /",
    "GET /console",
    "GET /console/{path+}",
    "GET /health",
    "GET /openapi.json",
    "$default",
];

fn contract() -> BTreeMap<String, String> {
    CONTRACT
        .map(|(key, name)| (key.to_owned(), name.to_owned()))
        .into()
}

/// Returns the routes in the code, such as `GET /api/jobs`, each with its function.
fn routes() -> BTreeMap<String, String> {
    let mut routes = BTreeMap::new();
    for function in &FUNCTIONS {
        for route in function.routes {
            let key = format!("{} {}", route.method.as_str(), route.path);
            let other = routes.insert(key, function.name.to_owned());
            assert_eq!(other, None, "{route:?} has two functions");
        }
    }
    routes
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn source(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the names of the crates in functions/.
fn crates() -> BTreeSet<String> {
    let folders = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let crates = folders.filter(|path| path.join("Cargo.toml").exists());
    crates
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// Returns the one resource among `candidates` that `value` refers to.
fn target<'a>(value: &Value, candidates: &BTreeMap<&'a str, &'a Value>) -> (&'a str, &'a Value) {
    let named = references(value);
    let mut found = candidates.iter().filter(|(id, _)| named.contains(**id));
    let (id, properties) = found
        .next()
        .unwrap_or_else(|| panic!("{value} refers to no resource"));
    assert!(
        found.next().is_none(),
        "{value} refers to several resources"
    );
    (id, properties)
}

#[test]
fn template_deploys_exactly_the_function_crates() {
    let template = Template::load();
    let functions = template.functions();
    assert_eq!(
        functions
            .keys()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>(),
        crates()
    );
    let log_groups = template.resources("AWS::Logs::LogGroup");
    for (name, (id, function)) in functions {
        assert_eq!(
            function["FunctionName"],
            json!({"Fn::Sub": format!("${{AWS::StackName}}-{name}")})
        );
        let (_, log_group) = target(&function["LoggingConfig"]["LogGroup"], &log_groups);
        let expected = json!({"Fn::Sub": format!("/aws/lambda/${{AWS::StackName}}-{name}")});
        assert_eq!(log_group["LogGroupName"], expected, "{name}");
        assert_eq!(
            references(&template.at("/Outputs")[format!("{id}Name")]),
            [id.to_owned()].into(),
            "{name}"
        );
        assert!(
            root()
                .join(format!("tests/fixtures/events/{name}.json"))
                .exists(),
            "{name} has no sample event"
        );
    }
}

#[test]
fn template_has_every_route_behind_the_authorizer() {
    let mut routes = BTreeMap::new();
    let template = Template::load();
    for (name, (_, function)) in template.functions() {
        let events = function["Events"].as_object().into_iter().flatten();
        for (_, event) in events.filter(|(_, event)| event["Type"] == "HttpApi") {
            let route = &event["Properties"];
            assert_eq!(route["ApiId"], json!({"Ref": "Api"}), "{name}");
            let key = match (route.get("Method"), route.get("Path")) {
                (None, None) => "$default".to_owned(),
                (method, path) => format!("{} {}", text(method.unwrap()), text(path.unwrap())),
            };
            // A route without `Auth` has the API's default authorizer.
            let open = json!({"Authorizer": "NONE"});
            let expected = OPEN.contains(&key.as_str()).then_some(&open);
            assert_eq!(route.get("Auth"), expected, "{key}");
            let other = routes.insert(key, name.to_owned());
            assert_eq!(other, None, "{route} has two functions");
        }
    }
    let unknown = routes.remove("$default");
    assert_eq!(unknown.as_deref(), Some("route-not-found"));
    assert_eq!(routes, contract());
}

#[test]
fn api_may_invoke_its_authorizer() {
    let template = Template::load();
    let auth = template.at("/Resources/Api/Properties/Auth");
    let authorizer = &auth["Authorizers"][text(&auth["DefaultAuthorizer"])];
    assert_eq!(
        authorizer,
        &json!({
            "FunctionArn": {"Fn::GetAtt": "AuthorizeFunction.Arn"},
            // Without it, SAM adds no permission to invoke.
            "EnableFunctionDefaultPermissions": true,
            // The format of the answers of `authorize`.
            "AuthorizerPayloadFormatVersion": "2.0",
            "EnableSimpleResponses": true,
            "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 60},
        })
    );
}

#[test]
fn functions_implement_the_routes_of_the_contract() {
    assert_eq!(routes(), contract());
}

#[test]
fn any_page_may_use_a_signed_url_of_a_file() {
    let template = Template::load();
    assert_eq!(
        template.at("/Resources/Bucket/Properties/CorsConfiguration/CorsRules"),
        &json!([{
            "AllowedOrigins": ["*"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["*"],
            "MaxAge": 3600
        }])
    );
}

#[test]
fn cors_allows_the_methods_and_headers_of_the_api() {
    let template = Template::load();
    let cors = template.at("/Resources/Api/Properties/CorsConfiguration/Fn::If/1");
    let words = |field: &str| {
        list(&cors[field])
            .into_iter()
            .map(|word| text(word).to_lowercase())
            .collect::<Vec<_>>()
    };
    for (key, _) in CONTRACT {
        let method = key.split(' ').next().unwrap().to_lowercase();
        assert!(words("AllowMethods").contains(&method), "{method}");
    }
    for header in ["authorization", "content-type", "accept", "idempotency-key"] {
        assert!(
            words("AllowHeaders").contains(&header.to_owned()),
            "{header}"
        );
    }
    for header in ["location", "retry-after", "x-next-cursor", "x-finished"] {
        assert!(
            words("ExposeHeaders").contains(&header.to_owned()),
            "{header}"
        );
    }
}
