//! `GET /console`: the console, a web page; and `GET /`, which leads to it.
//!
//! The page is at `/console` and its files are below, so that their addresses are relative to the page, and the whole
//! works below any prefix. It also works at `/console/`, which a gateway may take for `/console` or for a file.

mod policy;
mod site;

use std::sync::Arc;

use api::{Answer, NoParams, Problem, Route, SERVICE_DESC};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{
        HeaderMap,
        header::{CACHE_CONTROL, LINK},
    },
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use lambda::{Settings, SignIn};

pub use self::{policy::Policy, site::Site};

/// The function's routes.
pub const ROUTES: [Route; 3] = [
    Route::get("/"),
    Route::get("/console"),
    Route::get("/console/{path+}"),
];
/// The folder of the built console, beside the function's program.
const FOLDER: &str = "console";
/// The page names the files of its version, so it is asked for each time.
const REVALIDATED: &str = "no-cache";
/// The name of a file changes with its content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// What the handlers need.
struct Console {
    site: Site,
    policy: Policy,
    sign_in: Option<SignIn>,
}

type Shared = State<Arc<Console>>;

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    let site = Site::new(settings.packaged_files(FOLDER));
    let policy = Policy::new(
        &settings.origins("IMAGE_ORIGINS"),
        &settings.origins("CONNECT_ORIGINS"),
        &settings.origins("ALLOWED_ORIGINS"),
    );
    router(site, policy, settings.sign_in())
}

/// Builds the function's router.
pub fn router(site: Site, policy: Policy, sign_in: Option<SignIn>) -> Router {
    let [root, page, files] = ROUTES;
    api::router(&[root], get_root)
        .merge(api::router(&[page], get_page))
        .merge(api::router(&[files], get_file))
        .route("/console/", get(get_page))
        .route("/console/sign-in.json", get(get_sign_in))
        .with_state(Arc::new(Console {
            site,
            policy,
            sign_in,
        }))
}

/// Leads a person to the console, and a client to the API's document.
async fn get_root(_: NoParams) -> impl IntoResponse {
    ([(LINK, SERVICE_DESC)], Redirect::temporary("console"))
}

/// The page. It takes any parameters, since a sign-in comes back with some.
async fn get_page(State(console): Shared, headers: HeaderMap) -> Answer<Response> {
    let page = console.site.page().ok_or_else(Problem::route_not_found)?;
    let mut answer = page.answer(&headers);
    console.policy.apply(answer.headers_mut());
    Ok(([(CACHE_CONTROL, REVALIDATED)], answer).into_response())
}

/// How people sign in, if they do not paste a token. The page asks for it, since the files of the page are the same in
/// every deployment.
async fn get_sign_in(State(console): Shared, _: NoParams) -> Answer<impl IntoResponse> {
    let sign_in = console.sign_in.clone();
    let sign_in = sign_in.ok_or_else(Problem::route_not_found)?;
    Ok(([(CACHE_CONTROL, REVALIDATED)], Json(sign_in)))
}

async fn get_file(
    State(console): Shared,
    Path(path): Path<String>,
    headers: HeaderMap,
    _: NoParams,
) -> Answer<Response> {
    let file = console.site.file(&path);
    let mut answer = file.ok_or_else(Problem::route_not_found)?.answer(&headers);
    console.policy.apply(answer.headers_mut());
    Ok(([(CACHE_CONTROL, IMMUTABLE)], answer).into_response())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode, header::CONTENT_SECURITY_POLICY},
    };
    use tower::ServiceExt;

    use super::*;

    async fn get_path(path: &str) -> Response {
        get_path_with(None, path).await
    }

    async fn get_path_with(sign_in: Option<SignIn>, path: &str) -> Response {
        let files = [("index.html", "<p>"), ("console/app-1.js", "1")];
        let files = files.map(|(name, text)| (name.to_owned(), text.into()));
        let policy = Policy::new(&[], &[], &[]);
        let router = api::finish(router(Site::new(files.into()), policy, sign_in));
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn page_is_asked_for_each_time_and_its_files_once() {
        for (path, expected) in [
            ("/console?code=1&state=2", REVALIDATED),
            ("/console/app-1.js", IMMUTABLE),
        ] {
            let answer = get_path(path).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(answer.headers()[CACHE_CONTROL], expected, "{path}");
            let has_policy = answer.headers().contains_key(CONTENT_SECURITY_POLICY);
            assert!(has_policy, "{path}");
        }
    }

    #[tokio::test]
    async fn page_learns_how_to_sign_in_only_where_it_is_configured() {
        let path = "/console/sign-in.json";
        assert_eq!(get_path(path).await.status(), StatusCode::NOT_FOUND);
        let sign_in = SignIn {
            issuer: "https://id.example".to_owned(),
            client_id: "console".to_owned(),
            scope: "openid".to_owned(),
            token: "id_token".to_owned(),
        };
        let answer = get_path_with(Some(sign_in), path).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CACHE_CONTROL], REVALIDATED);
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let expected = concat!(
            r#"{"issuer":"https://id.example","client_id":"console","#,
            r#""scope":"openid","token":"id_token"}"#
        );
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn every_other_address_is_that_of_the_page_or_unknown() {
        for (path, status, location) in [
            ("/", StatusCode::TEMPORARY_REDIRECT, Some("console")),
            ("/console/", StatusCode::OK, None),
            ("/console/console/app-1.js", StatusCode::OK, None),
            ("/console/index.html", StatusCode::NOT_FOUND, None),
            ("/console/app-2.js", StatusCode::NOT_FOUND, None),
        ] {
            let answer = get_path(path).await;
            let found = answer.headers().get("location");
            let found = found.map(|value| value.to_str().unwrap());
            assert_eq!((answer.status(), found), (status, location), "{path}");
        }
    }
}
