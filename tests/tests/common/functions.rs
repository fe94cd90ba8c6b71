//! The functions and their routes, as defined in the code.

use api::Route;
use lambda::Settings;
use worker::Isolation;

/// A function: the name of its crate, its routes, and its construction from settings.
pub struct Function {
    pub name: &'static str,
    pub routes: &'static [Route],
    pub build: fn(&mut Settings),
}

impl Function {
    const fn new(name: &'static str, routes: &'static [Route], build: fn(&mut Settings)) -> Self {
        Self {
            name,
            routes,
            build,
        }
    }
}

/// Every function.
pub const FUNCTIONS: [Function; 33] = [
    Function::new("list-jobs", &list_jobs::ROUTES, |settings| {
        drop(list_jobs::from_settings(settings));
    }),
    Function::new("create-job", &create_job::ROUTES, |settings| {
        drop(create_job::from_settings(settings));
    }),
    Function::new("get-job", &get_job::ROUTES, |settings| {
        drop(get_job::from_settings(settings));
    }),
    Function::new("update-job", &update_job::ROUTES, |settings| {
        drop(update_job::from_settings(settings));
    }),
    Function::new("get-job-status", &get_job_status::ROUTES, |settings| {
        drop(get_job_status::from_settings(settings));
    }),
    Function::new("get-job-logs", &get_job_logs::ROUTES, |settings| {
        drop(get_job_logs::from_settings(settings));
    }),
    Function::new("cancel-job", &cancel_job::ROUTES, |settings| {
        drop(cancel_job::from_settings(settings));
    }),
    Function::new("submit-job", &submit_job::ROUTES, |settings| {
        drop(submit_job::from_settings(settings));
    }),
    Function::new("retry-job", &retry_job::ROUTES, |settings| {
        drop(retry_job::from_settings(settings));
    }),
    Function::new("get-job-analysis", &get_job_analysis::ROUTES, |settings| {
        drop(get_job_analysis::from_settings(settings));
    }),
    Function::new(
        "list-release-jobs",
        &list_release_jobs::ROUTES,
        |settings| drop(list_release_jobs::from_settings(settings)),
    ),
    Function::new("list-releases", &list_releases::ROUTES, |settings| {
        drop(list_releases::from_settings(settings));
    }),
    Function::new("create-release", &create_release::ROUTES, |settings| {
        drop(create_release::from_settings(settings));
    }),
    Function::new("get-release", &get_release::ROUTES, |settings| {
        drop(get_release::from_settings(settings));
    }),
    Function::new("update-release", &update_release::ROUTES, |settings| {
        drop(update_release::from_settings(settings));
    }),
    Function::new("restore-package", &restore_package::ROUTES, |settings| {
        drop(restore_package::from_settings(settings));
    }),
    Function::new("add-release-file", &add_release_file::ROUTES, |settings| {
        drop(add_release_file::from_settings(settings));
    }),
    Function::new(
        "list-release-files",
        &list_release_files::ROUTES,
        |settings| drop(list_release_files::from_settings(settings)),
    ),
    Function::new("delete-file", &delete_file::ROUTES, |settings| {
        drop(delete_file::from_settings(settings));
    }),
    Function::new(
        "create-live-ticket",
        &create_live_ticket::ROUTES,
        |settings| drop(create_live_ticket::from_settings(settings)),
    ),
    Function::new("get-me", &get_me::ROUTES, |settings| {
        drop(get_me::from_settings(settings));
    }),
    Function::new("get-console", &get_console::ROUTES, |settings| {
        drop(get_console::from_settings(settings));
    }),
    Function::new("get-openapi", &get_openapi::ROUTES, |settings| {
        drop(get_openapi::from_settings(settings));
    }),
    Function::new("route-not-found", &route_not_found::ROUTES, |settings| {
        drop(route_not_found::from_settings(settings));
    }),
    Function::new("get-health", &get_health::ROUTES, |settings| {
        drop(get_health::from_settings(settings));
    }),
    Function::new("authorize", &[], |settings| {
        drop(authorize::from_settings(settings));
    }),
    Function::new("process-jobs", &[], |settings| {
        drop(process_jobs::from_settings(settings, Isolation::InProcess));
    }),
    Function::new("fail-dead-jobs", &[], |settings| {
        drop(fail_dead_jobs::from_settings(settings));
    }),
    Function::new("sweep-jobs", &[], |settings| {
        drop(sweep_jobs::from_settings(settings));
    }),
    Function::new("authorize-live", &[], |settings| {
        drop(authorize_live::from_settings(settings));
    }),
    Function::new("live-socket", &[], |settings| {
        drop(live_socket::from_settings(settings));
    }),
    Function::new("push-updates", &[], |settings| {
        drop(push_updates::from_settings(settings));
    }),
    Function::new("publish-events", &[], |settings| {
        drop(publish_events::from_settings(settings));
    }),
];
