//! Saves the API's address and the user's token.

use std::io::{self, Read};

use console::Term;

use crate::{
    args::Login,
    error::Error,
    http::Client,
    job_commands::{me_text, print},
    output::Output,
    retry::Retry,
    settings::{ApiUrl, Environment, Settings, Token},
};

/// A token has a few KB at most; a file that was given by mistake may be larger.
const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// Asks the API who the token's user is, and saves both if it answers.
pub fn login(
    environment: &Environment,
    output: &Output,
    retry: Retry,
    args: &Login,
) -> Result<(), Error> {
    let path = environment.settings_path()?;
    let api = ApiUrl::try_from(args.api.clone())?;
    let token = if args.token_stdin {
        read_token(io::stdin())?
    } else {
        ask_token(&Term::stderr())?
    };
    let settings = Settings {
        api: api.clone(),
        token: token.clone(),
    };
    let client = Client::new(settings, retry);
    let me = client.get("sign in", "/api/me".to_owned())?;
    Settings { api, token }.save(&path)?;
    print(output, &me, |me| {
        let saved = format!("Saved in {}", path.display());
        vec![format!("Signed in as {}", me_text(me)), saved]
    })
}

fn read_token(input: impl Read) -> Result<Token, Error> {
    let mut text = String::new();
    input
        .take(MAX_TOKEN_BYTES)
        .read_to_string(&mut text)
        .map_err(Error::file("read the token"))?;
    Token::try_from(text)
}

fn ask_token(terminal: &Term) -> Result<Token, Error> {
    if !terminal.is_term() {
        let message = "there is no terminal to ask for the token; use --token-stdin";
        return Err(Error::Usage(message.to_owned()));
    }
    let ask = || {
        terminal.write_str("Token: ")?;
        terminal.read_secure_line()
    };
    Token::try_from(ask().map_err(Error::file("read the token"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_read_without_the_end_of_its_line() {
        let token = read_token(&b"abc.def\r\n"[..]).unwrap();
        assert_eq!(token.reveal(), "abc.def");
        for bad in [&b""[..], b"a b", b"a\nb", b"\xff"] {
            assert!(read_token(bad).is_err(), "{bad:?}");
        }
    }
}
