//! Tests of the settings.

use super::*;

fn settings(api: &str, token: &str) -> Settings {
    Settings {
        api: ApiUrl::try_from(api.to_owned()).unwrap(),
        token: Token::try_from(token.to_owned()).unwrap(),
    }
}

fn signed_in(folder: &Path) -> Environment {
    let environment = Environment {
        folder: Some(folder.to_owned()),
        ..Environment::default()
    };
    settings("https://api.example.com", "saved")
        .save(&environment.settings_path().unwrap())
        .unwrap();
    environment
}

#[test]
fn saved_settings_are_read_back_and_overridden_by_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let mut environment = signed_in(folder.path());
    let load = |environment: &Environment| Settings::load(environment).unwrap();
    assert_eq!(
        load(&environment),
        settings("https://api.example.com", "saved")
    );
    environment.token = Some("other".to_owned());
    assert_eq!(
        load(&environment),
        settings("https://api.example.com", "other")
    );
    environment.api = Some("http://127.0.0.1:4566/x/".to_owned());
    assert_eq!(
        load(&environment),
        settings("http://127.0.0.1:4566/x", "other")
    );
}

#[test]
fn saved_token_is_sent_to_no_other_api() {
    let folder = tempfile::tempdir().unwrap();
    let mut environment = signed_in(folder.path());
    environment.api = Some("https://api.example.com/".to_owned());
    assert!(Settings::load(&environment).is_ok());
    environment.api = Some("https://elsewhere.example.com".to_owned());
    let error = Settings::load(&environment).unwrap_err();
    assert!(error.to_string().contains("JOBS_TOKEN"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_the_settings() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs/settings.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    settings("https://api.example.com", "secret")
        .save(&path)
        .unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn address_must_keep_the_token_secret() {
    let parse = |text: &str| ApiUrl::try_from(text.to_owned());
    for good in [
        "https://a.example/prod",
        "http://localhost:1",
        "http://127.0.0.2/x",
        "http://[::1]:5",
    ] {
        assert!(parse(good).is_ok(), "{good}");
    }
    for bad in [
        "http://api.example.com",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "api.example.com",
        "https://",
        "https://user:pass@api.example.com",
        "https://api.example.com/?x=1",
        "",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn token_is_never_shown() {
    let settings = settings("https://api.example.com", "secret");
    assert!(!format!("{settings:?}").contains("secret"));
    let error = Token::try_from("sec ret".to_owned()).unwrap_err();
    assert!(!error.to_string().contains("ret,"), "{error}");
    assert!(!format!("{error:?}").contains("sec ret"));
}
