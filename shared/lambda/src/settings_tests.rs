use super::*;

#[test]
fn origins_are_a_list_that_fits_into_a_header() {
    let origins = |value: &'static str| {
        let mut settings = Settings::new(move |_| Some(value.to_owned()));
        (settings.origins("ORIGINS"), settings.check().is_ok())
    };
    let two = vec!["https://a.example".to_owned(), "ws://b:1".to_owned()];
    assert_eq!(origins("https://a.example, ws://b:1/path"), (two, true));
    assert_eq!(origins(""), (Vec::new(), true));
    for bad in ["https://a; script-src *", "'unsafe-inline'", "a\nb"] {
        assert_eq!(origins(bad), (Vec::new(), false), "{bad}");
    }
}

#[test]
fn sign_in_of_the_console_is_complete_or_absent() {
    let sign_in = |given: &'static [&str]| {
        let mut settings =
            Settings::new(move |name| given.contains(&name).then(|| name.to_owned()));
        let client_id = settings.sign_in().map(|sign_in| sign_in.client_id);
        (client_id, settings.check().is_ok())
    };
    let all: &[&str] = &[
        "SIGN_IN_CLIENT_ID",
        "SIGN_IN_ISSUER",
        "SIGN_IN_SCOPE",
        "SIGN_IN_TOKEN",
    ];
    let id = Some("SIGN_IN_CLIENT_ID".to_owned());
    assert_eq!(sign_in(all), (id.clone(), true));
    assert_eq!(sign_in(&["SIGN_IN_CLIENT_ID"]), (id, false));
    assert_eq!(sign_in(&[]), (None, true));
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut settings = Settings::new(|name| (name == "RETENTION_DAYS").then(|| "many".into()));
    settings.submissions();
    settings.key_source();
    let error = settings.check().unwrap_err().to_string();
    for fault in [
        "TABLE_NAME is not set",
        "QUEUE_URL is not set",
        "RETENTION_DAYS is not a number",
        "neither TOKEN_SECRET_NAME nor TOKEN_JWKS_URL is set",
    ] {
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn keys_of_a_provider_need_an_audience() {
    let check = |audience: &'static str| {
        let mut settings = Settings::new(move |name| match name {
            "TOKEN_JWKS_URL" => Some("https://provider.example/keys".to_owned()),
            "TOKEN_AUDIENCE" => Some(audience.to_owned()),
            _ => None,
        });
        settings.key_source();
        settings.check()
    };
    check("jobs").unwrap();
    let error = check("").unwrap_err().to_string();
    assert!(error.contains("TOKEN_AUDIENCE is not set"), "{error}");
}

#[test]
fn valid_settings_pass() {
    let mut settings = Settings::new(|_| Some("30".to_owned()));
    settings.sweeper();
    settings.limited_jobs();
    assert_eq!(settings.retention(), DAY * 30);
    settings.check().unwrap();
}

#[test]
fn origins_of_pages_are_read_from_their_addresses() {
    let mut settings = Settings::new(|_| {
        Some("https://Example.com, http://127.0.0.1:4566/_aws/execute-api/abc,".to_owned())
    });
    assert_eq!(
        settings.live_origins(),
        ["https://example.com", "http://127.0.0.1:4566"]
    );
}

#[test]
fn empty_variable_counts_as_unset() {
    let mut settings = Settings::new(|_| Some(String::new()));
    settings.store();
    assert!(settings.check().is_err());
}
