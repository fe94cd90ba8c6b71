//! The configuration of AWS clients, and the classification of their errors.

mod config;
mod error;

pub use self::{
    config::{client_config, http_client},
    error::{AwsError, is_transient},
};
