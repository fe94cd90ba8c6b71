//! Authentication: tokens, and the keys that verify them.

mod keys;
mod token;

pub use self::{
    keys::{KeyError, KeySource, Keys},
    token::{DEFAULT_ROLE_CLAIM, InvalidToken, TokenRules},
};
