//! The routes of a function, as data. The router is built from them, and tests compare them with
//! the template.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl Method {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// A method and a path, with parameters in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path: `/api/jobs/{id}`. `{path+}` takes the rest of it, as API Gateway writes it.
    pub path: &'static str,
}

impl Route {
    /// The route `GET path`.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self::new(Method::Get, path)
    }

    /// The route `POST path`.
    #[must_use]
    pub const fn post(path: &'static str) -> Self {
        Self::new(Method::Post, path)
    }

    /// The route `PUT path`.
    #[must_use]
    pub const fn put(path: &'static str) -> Self {
        Self::new(Method::Put, path)
    }

    /// The route `PATCH path`.
    #[must_use]
    pub const fn patch(path: &'static str) -> Self {
        Self::new(Method::Patch, path)
    }

    /// The route `DELETE path`.
    #[must_use]
    pub const fn delete(path: &'static str) -> Self {
        Self::new(Method::Delete, path)
    }

    const fn new(method: Method, path: &'static str) -> Self {
        Self { method, path }
    }
}

/// The value of `Link` that leads to the API's document (RFC 8631, section 4.1).
pub const SERVICE_DESC: &str = "</openapi.json>; rel=\"service-desc\"";

/// Creates a router from a function's `routes` to its `handler`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "axum takes handlers by value"
)]
pub fn router<H, T, S>(routes: &[Route], handler: H) -> Router<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    routes.iter().fold(Router::new(), |router, route| {
        router.route(
            &axum_path(route.path),
            on(route.method.filter(), handler.clone()),
        )
    })
}

/// Returns a path as axum writes it: `{*path}` for `{path+}`.
fn axum_path(path: &str) -> String {
    match path
        .strip_suffix("+}")
        .and_then(|path| path.rsplit_once('{'))
    {
        Some((start, name)) => format!("{start}{{*{name}}}"),
        None => path.to_owned(),
    }
}
