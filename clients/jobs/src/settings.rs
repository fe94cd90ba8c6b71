//! The address of the API and the user's token: from the environment, or from the settings that
//! `jobs login` wrote.

use std::{
    fmt, fs,
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use ureq::http::Uri;

use crate::error::Error;

/// The parts of the process's environment that the client reads.
#[derive(Default)]
pub struct Environment {
    /// `JOBS_API`.
    pub api: Option<String>,
    /// `JOBS_TOKEN`.
    pub token: Option<String>,
    /// The user's folder for settings.
    pub folder: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment. An empty variable counts as absent.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the client reads its environment"
    )]
    pub fn from_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = variable("XDG_CONFIG_HOME")
            .or_else(|| variable("APPDATA").filter(|_| cfg!(windows)))
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
        Self {
            api: variable("JOBS_API"),
            token: variable("JOBS_TOKEN"),
            folder,
        }
    }

    /// Returns the path of the settings.
    pub fn settings_path(&self) -> Result<PathBuf, Error> {
        let missing = "HOME is not set, so there is no folder for settings; set JOBS_API and \
                       JOBS_TOKEN instead";
        let folder = self.folder.as_ref();
        let folder = folder.ok_or_else(|| Error::Usage(missing.to_owned()))?;
        Ok(folder.join("jobs").join("settings.json"))
    }
}

/// A user's token, which is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Token(String);

impl Token {
    /// Returns the token, for the one header that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(...)")
    }
}

impl TryFrom<String> for Token {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "the token is not valid: it must be one word of ASCII characters";
            return Err(Error::Usage(message.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The address of the API, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ApiUrl(String);

impl ApiUrl {
    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the API runs on this machine.
    pub fn is_local(&self) -> bool {
        let uri: Option<Uri> = self.0.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let ip = address.parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl TryFrom<String> for ApiUrl {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::Usage(format!("the API's address {why}")));
        let text = text.trim().trim_end_matches('/');
        let Ok(uri) = text.parse::<Uri>() else {
            return refuse("is not a URL");
        };
        let has_userinfo = uri.authority().is_some_and(|it| it.as_str().contains('@'));
        if uri.host().is_none_or(str::is_empty) || has_userinfo || uri.query().is_some() {
            return refuse("must be a URL such as https://api.example.com");
        }
        let url = Self(text.to_owned());
        match uri.scheme_str() {
            Some("https") => Ok(url),
            Some("http") if url.is_local() => Ok(url),
            // Anyone on the way could read the token.
            Some("http") => refuse("must begin with https, except on this machine"),
            _ => refuse("must begin with https"),
        }
    }
}

/// An API and the token that it accepts. `jobs login` writes them as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The address of the API.
    pub api: ApiUrl,
    /// The user's token.
    pub token: Token,
}

impl Settings {
    /// Reads the settings; the environment overrides the file.
    ///
    /// The file's token is for the file's API, and is sent to no other.
    pub fn load(environment: &Environment) -> Result<Self, Error> {
        let api = environment.api.clone().map(ApiUrl::try_from).transpose()?;
        let token = environment.token.clone().map(Token::try_from).transpose()?;
        match (api, token) {
            (Some(api), Some(token)) => Ok(Self { api, token }),
            (None, token) => {
                let saved = Self::read(environment)?;
                let token = token.unwrap_or(saved.token);
                Ok(Self { token, ..saved })
            }
            (Some(api), None) => match Self::read(environment) {
                Ok(saved) if saved.api == api => Ok(saved),
                _ => Err(Error::Usage(
                    "JOBS_API is set without JOBS_TOKEN, and 'jobs login' has no token for it"
                        .to_owned(),
                )),
            },
        }
    }

    fn read(environment: &Environment) -> Result<Self, Error> {
        let path = environment.settings_path()?;
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| {
                let path = path.display();
                Error::Usage(format!(
                    "{path} is damaged; sign in again with 'jobs login'"
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Usage(
                "sign in first with 'jobs login --api URL', or set JOBS_API and JOBS_TOKEN"
                    .to_owned(),
            )),
            Err(error) => Err(Error::file(format!("read {}", path.display()))(error)),
        }
    }

    /// Writes the settings so that only this user can read them.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            // A temporary file has the mode 0600, and replaces the old settings at once.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(Error::file(format!("write {}", path.display())))
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
