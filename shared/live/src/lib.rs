//! The live channel: what clients of the WebSocket say, what they are answered, and what is pushed
//! to those who watch a job or a list of jobs.
//!
//! A push can be lost. The log over HTTP is complete, and a client reads there what it has missed.

mod connections;
mod message;
mod push;
mod socket;

pub use self::{
    connections::{Connections, PostOutcome},
    message::{ClientMessage, List, ServerMessage, Target},
    push::{PushReport, Pusher},
    socket::LiveSocket,
};
