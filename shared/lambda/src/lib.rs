//! The setup of a function: its settings, its AWS clients, its logs.

mod serve;
mod settings;
pub mod telemetry;

pub use self::{
    serve::{init, serve},
    settings::{Settings, SettingsError, SignIn},
};
