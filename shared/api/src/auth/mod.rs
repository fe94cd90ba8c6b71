//! Authentication: tokens, and the keys that verify them.

mod context;
mod keys;
mod token;

pub use self::{
    context::Context,
    keys::{KeyError, KeySource, Keys},
    token::{DEFAULT_ROLE_CLAIM, InvalidToken, TokenRules},
};
