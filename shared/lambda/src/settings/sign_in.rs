//! The settings of tokens, and of signing in to the console.

use std::time::Duration;

use api::auth::{DEFAULT_ROLE_CLAIM, KeySource, TokenRules};

use super::Settings;

/// Timeout for fetching a JWKS.
const JWKS_TIMEOUT: Duration = Duration::from_secs(3);

/// How people sign in to the console: by a public client of an OIDC provider.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SignIn {
    /// The provider, whose discovery document is below this address.
    pub issuer: String,
    /// The console's id at the provider.
    pub client_id: String,
    /// The scope that the console asks for.
    pub scope: String,
    /// The provider's token that the API gets: `id_token` or `access_token`.
    pub token: String,
}

impl Settings {
    /// Builds the source of the tokens' keys, from `TOKEN_SECRET_NAME` or else `TOKEN_JWKS_URL`.
    pub fn key_source(&mut self) -> KeySource {
        let url = self.optional("TOKEN_JWKS_URL");
        if let Some(name) = self.optional("TOKEN_SECRET_NAME") {
            let config = self.client_config("secrets_manager");
            let client = aws_sdk_secretsmanager::Client::new(&config);
            return KeySource::Secret { client, name };
        }
        let client = reqwest::Client::builder().timeout(JWKS_TIMEOUT).build();
        let client = client.unwrap_or_else(|error| {
            self.faults
                .push(format!("failed to build an HTTP client: {error}"));
            reqwest::Client::new()
        });
        if url.is_some() && self.value("TOKEN_AUDIENCE").is_none() {
            let fault = "TOKEN_AUDIENCE is not set, but TOKEN_JWKS_URL is: tokens of the provider's \
                         other applications would be accepted";
            self.faults.push(fault.to_owned());
        }
        let url = url.unwrap_or_else(|| {
            let fault = "neither TOKEN_SECRET_NAME nor TOKEN_JWKS_URL is set";
            self.faults.push(fault.to_owned());
            String::new()
        });
        KeySource::Jwks { client, url }
    }

    /// Builds the rules for tokens, from `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_USER_CLAIM` and
    /// `TOKEN_ROLE_CLAIM`.
    pub fn token_rules(&mut self) -> TokenRules {
        TokenRules {
            issuer: self.optional("TOKEN_ISSUER"),
            audience: self.optional("TOKEN_AUDIENCE"),
            user_claim: self
                .optional("TOKEN_USER_CLAIM")
                .unwrap_or("sub".to_owned()),
            role_claim: self
                .optional("TOKEN_ROLE_CLAIM")
                .unwrap_or(DEFAULT_ROLE_CLAIM.to_owned()),
        }
    }

    /// Returns how people sign in to the console, from `SIGN_IN_CLIENT_ID`, `SIGN_IN_ISSUER`,
    /// `SIGN_IN_SCOPE` and `SIGN_IN_TOKEN`. Without the client's id, they paste a token.
    pub fn sign_in(&mut self) -> Option<SignIn> {
        let client_id = self.optional("SIGN_IN_CLIENT_ID")?;
        Some(SignIn {
            issuer: self.required("SIGN_IN_ISSUER"),
            client_id,
            scope: self.required("SIGN_IN_SCOPE"),
            token: self.required("SIGN_IN_TOKEN"),
        })
    }
}
