//! A client of the unit tests' server.

use std::time::Duration;

use crate::{
    http::Client,
    live::LiveConfig,
    retry::Retry,
    settings::{ApiUrl, Settings, Token},
    test_server::TestServer,
};

/// The token of the tests.
pub const TOKEN: &str = "secret-token";

impl TestServer {
    /// Returns a client of this server, which does not wait, and uses no push.
    pub fn client(&self) -> Client {
        let live = LiveConfig {
            is_enabled: false,
            ..quick()
        };
        client(&self.url, live)
    }
}

/// Returns a client that does not wait between repeated requests.
pub fn client(url: &str, live: LiveConfig) -> Client {
    let settings = Settings {
        api: ApiUrl::try_from(url.to_owned()).unwrap(),
        token: Token::try_from(TOKEN.to_owned()).unwrap(),
    };
    let client = Client::new(settings, Retry::new(|_| (), |_| ()));
    Client { live, ..client }
}

/// Waits that are short for a test.
pub fn quick() -> LiveConfig {
    LiveConfig {
        is_enabled: true,
        poll: Duration::from_millis(5),
        quiet: Duration::from_millis(50),
        ping: Duration::from_secs(10),
        patience: Duration::from_secs(5),
        min_backoff: Duration::from_millis(2),
        max_backoff: Duration::from_millis(10),
    }
}
