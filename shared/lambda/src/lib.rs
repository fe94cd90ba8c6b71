//! What a function's `main` needs: its settings, its AWS clients, its logs.

mod app;
mod serve;
pub mod telemetry;

pub use self::{
    app::{Env, EnvError},
    serve::serve,
};
