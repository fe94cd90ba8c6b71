//! The command line. `release_args` has the part about releases.

use clap::{Args, Parser, Subcommand};

use crate::release_args::ReleaseCommand;

/// The largest id (2^53 - 1).
const MAX_ID: u64 = (1 << 53) - 1;

const EXIT_STATUSES: &str = "\
Exit status:
  0   success; the watched job completed
  1   an error; the watched job failed
  2   the watched job was cancelled
  64  the command line or the settings are wrong

Environment:
  JOBS_API, JOBS_TOKEN   override the settings of 'jobs login'";

/// Submits, watches and cancels jobs, and transfers the files of their releases.
#[derive(Debug, Parser)]
#[command(name = "jobs", version, after_help = EXIT_STATUSES)]
pub struct Cli {
    /// Print JSON: one document, or a line for each line of a log.
    #[arg(long, global = true)]
    pub json: bool,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Save the API's address and your token.
    Login(Login),
    /// Tell who you are.
    Me,
    /// List jobs, newest first.
    List(ListJobs),
    /// Show a job with its attempts and the end of its log.
    Show(JobId),
    /// Create a job.
    Submit(Submit),
    /// Submit a draft.
    SubmitDraft(SubmitDraft),
    /// Watch a job until it ends.
    Watch(JobId),
    /// Print a job's log.
    Logs(Logs),
    /// Cancel a job.
    Cancel(Cancel),
    /// Retry a failed or cancelled job as a new one.
    Retry(Retry),
    /// Manage releases and their files.
    #[command(subcommand)]
    Release(ReleaseCommand),
}

/// The arguments of `login`.
#[derive(Debug, Args)]
pub struct Login {
    /// The API's address.
    #[arg(long, value_name = "URL")]
    pub api: String,
    /// Read the token from the standard input instead of the terminal.
    #[arg(long)]
    pub token_stdin: bool,
}

/// A job.
#[derive(Debug, Args)]
pub struct JobId {
    /// The job's id.
    #[arg(value_name = "JOB", value_parser = id())]
    pub id: u64,
}

/// The pages of a list.
#[derive(Debug, Args)]
pub struct Paging {
    /// Of this user; another user's need an admin.
    #[arg(long, value_name = "ID", value_parser = id())]
    pub user: Option<u64>,
    /// The largest number of entries in a page.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: Option<u64>,
    /// Read all pages.
    #[arg(long)]
    pub all: bool,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub struct ListJobs {
    /// Jobs with one of these statuses.
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<String>,
    /// Jobs of one of these types.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub job_type: Vec<String>,
    /// Jobs of this release.
    #[arg(long, value_name = "ID", value_parser = id())]
    pub release: Option<u64>,
    /// The pages.
    #[command(flatten)]
    pub paging: Paging,
}

/// The arguments of `submit`.
#[derive(Debug, Args)]
pub struct Submit {
    /// The job's type, such as packaging.
    #[arg(value_name = "TYPE")]
    pub job_type: String,
    /// The release to work on.
    #[arg(long, value_name = "ID", value_parser = id(), required_unless_present = "draft")]
    pub release: Option<u64>,
    /// The configuration.
    #[command(flatten)]
    pub config: Config,
    /// Create a draft, which does not run yet.
    #[arg(long, conflicts_with = "watch")]
    pub draft: bool,
    /// The key that makes the command safe to repeat for a day [default: a new one].
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Watch the job until it ends.
    #[arg(long)]
    pub watch: bool,
}

/// A job's configuration.
#[derive(Debug, Args)]
pub struct Config {
    /// The configuration: key=value words, a JSON object or @FILE with one.
    ///
    /// A value is JSON if it can be read so, or else text: `volume_size=65536` is a number,
    /// `release_name="2026"`, quoted for the shell, a text.
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub config: Vec<String>,
}

/// The arguments of `submit-draft`.
#[derive(Debug, Args)]
pub struct SubmitDraft {
    /// The draft.
    #[command(flatten)]
    pub job: JobId,
    /// Watch the job until it ends.
    #[arg(long)]
    pub watch: bool,
}

/// The arguments of `logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The job.
    #[command(flatten)]
    pub job: JobId,
    /// Wait for further lines until the job ends.
    #[arg(short, long)]
    pub follow: bool,
    /// Lines of this level and above: debug, info, warning or error.
    #[arg(long)]
    pub level: Option<String>,
}

/// The arguments of `cancel`.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The job.
    #[command(flatten)]
    pub job: JobId,
    /// The reason, on one line.
    #[arg(long)]
    pub reason: Option<String>,
}

/// The arguments of `retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// The job.
    #[command(flatten)]
    pub job: JobId,
    /// Changes to its configuration; null removes a field.
    #[command(flatten)]
    pub config: Config,
    /// The key that makes the command safe to repeat for a day [default: a new one].
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Watch the new job until it ends.
    #[arg(long)]
    pub watch: bool,
}

/// Parses an id.
pub fn id() -> impl clap::builder::TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..=MAX_ID)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_explains_the_exit_statuses_and_the_environment() {
        let help = Cli::command().render_help().to_string();
        for part in ["2   the watched job was cancelled", "64  ", "JOBS_TOKEN"] {
            assert!(help.contains(part), "{help}");
        }
    }

    #[test]
    fn configuration_takes_words_until_the_next_option() {
        let line = "jobs submit packaging --config a=1 b=2 --release 42 --watch --json";
        let cli = parse(line).unwrap();
        let Command::Submit(submit) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(submit.config.config, ["a=1", "b=2"]);
        assert_eq!(
            (submit.release, submit.watch, cli.json),
            (Some(42), true, true)
        );
    }

    #[test]
    fn contradictions_and_impossible_ids_are_refused() {
        for line in [
            "jobs",
            "jobs submit packaging",
            "jobs submit packaging --release 42 --draft --watch",
            "jobs show 0",
            "jobs show 9007199254740992",
            "jobs show x",
            "jobs list --limit 101",
            "jobs release download 42 package/a --source",
            "jobs release upload 42",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("jobs show 9007199254740991").is_ok());
        assert!(parse("jobs submit packaging --draft").is_ok());
    }
}
