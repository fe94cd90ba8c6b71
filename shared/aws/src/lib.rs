//! What all AWS clients share: their configuration, and the classification of their errors.

mod config;
mod error;

pub use self::{
    config::client_config,
    error::{AwsError, is_transient},
};
