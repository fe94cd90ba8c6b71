//! `POST /api/live/ticket`: a ticket that opens one connection to the live channel.
//!
//! A browser cannot send the token's header with a WebSocket, and a token does not belong in an
//! address. A ticket does: it is valid once, and for a minute.

use api::{Answer, Body, NoParams, Route, SignedInFor};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use jobs::{Clock, Time};
use lambda::Settings;
use serde::Serialize;
use store::Store;

/// The function's routes.
pub const ROUTES: [Route; 1] = [Route::post("/api/live/ticket")];

/// What the function uses.
#[derive(Clone, Debug)]
pub struct Tickets {
    /// The table.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The address of the live channel.
    pub url: String,
}

/// Builds the function from its settings.
pub fn from_settings(settings: &mut Settings) -> Router {
    router(Tickets {
        store: settings.store(),
        clock: settings.clock(),
        url: settings.live_url(),
    })
}

/// Builds the function's router.
pub fn router(tickets: Tickets) -> Router {
    api::router(&ROUTES, create_ticket).with_state(tickets)
}

/// A ticket, and where to use it.
#[derive(Serialize)]
struct TicketView {
    url: String,
    ticket: String,
    expires_at: Time,
}

async fn create_ticket(
    State(tickets): State<Tickets>,
    SignedInFor(session): SignedInFor,
    _: NoParams,
    body: Option<Body>,
) -> Answer<Response> {
    body.unwrap_or_default().read_with(|_| Some(()))?;
    let Tickets { store, clock, url } = tickets;
    let (ticket, expires_at) = store.create_ticket(session, clock.now()).await?;
    let view = TicketView {
        url,
        ticket,
        expires_at,
    };
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}
