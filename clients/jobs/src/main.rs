//! `jobs`, the command-line client of the API.

mod args;
mod download;
mod error;
mod follow;
mod http;
mod job_commands;
mod job_config;
mod live;
mod login;
mod output;
mod pages;
mod release_args;
mod release_commands;
mod retry;
mod settings;
mod socket;
#[cfg(test)]
mod test_client;
#[cfg(test)]
mod test_live_server;
#[cfg(test)]
mod test_server;
mod upload;
mod view;
mod watch;

use std::{process::ExitCode, thread};

use clap::Parser;

use crate::{
    args::{Cli, Command},
    error::Error,
    http::Client,
    output::Output,
    retry::Retry,
    settings::{Environment, Settings},
    watch::Outcome,
};

/// The status of a wrong command line (`EX_USAGE` of BSD). clap's own is 2, which means that a job
/// was cancelled.
const USAGE_STATUS: u8 = 64;
/// The address of a new login is more often wrong than its API unavailable.
const LOGIN_RETRIES: usize = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_help(&error),
    };
    let output = Output::new(cli.json);
    match run(&output, cli.command) {
        Ok(outcome) => outcome.into(),
        // Nobody reads any further.
        Err(error) if error.is_closed_pipe() => ExitCode::FAILURE,
        Err(error) => {
            output.note(&format!("error: {error}"));
            match error {
                Error::Usage(_) => ExitCode::from(USAGE_STATUS),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Prints the help or version that was asked for, or the fault of the command line.
fn print_help(error: &clap::Error) -> ExitCode {
    // Nothing is left to do if even this fails.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE_STATUS)
    } else {
        ExitCode::SUCCESS
    }
}

fn run(output: &Output, command: Command) -> Result<Outcome, Error> {
    // Another one can only be there already if a library of this process has installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = Environment::from_process();
    let notes = output.clone();
    let retry = Retry::new(thread::sleep, move |note| notes.note(note));
    if let Command::Login(args) = command {
        login::login(&environment, output, retry.at_most(LOGIN_RETRIES), &args)?;
        return Ok(Outcome::Success);
    }
    let client = Client::new(Settings::load(&environment)?, retry);
    job_commands::run(&client, output, command)
}
