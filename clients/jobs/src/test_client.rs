//! A client of the unit tests' server.

use crate::{
    http::Client,
    retry::Retry,
    settings::{ApiUrl, Settings, Token},
    test_server::TestServer,
};

/// The token of the tests.
pub const TOKEN: &str = "secret-token";

impl TestServer {
    /// Returns a client of this server, which does not wait.
    pub fn client(&self) -> Client {
        let settings = Settings {
            api: ApiUrl::try_from(self.url.clone()).unwrap(),
            token: Token::try_from(TOKEN.to_owned()).unwrap(),
        };
        Client::new(settings, Retry::new(|_| (), |_| ()))
    }
}
