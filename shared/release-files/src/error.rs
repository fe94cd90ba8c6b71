//! The reasons for which work on files ends early.

use std::{error::Error as StdError, io};

use jobs::{Failure, FailureCode};

/// Stops work that reads or writes through an adapter. It is wrapped in an I/O error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job was stopped")]
pub struct StoppedError;

impl From<StoppedError> for io::Error {
    fn from(stopped: StoppedError) -> Self {
        Self::other(stopped)
    }
}

/// The reason for which work on files ended early.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The input or the configuration can never succeed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A read or a write failed; another attempt may succeed.
    #[error(transparent)]
    Io(io::Error),
    /// The run's time is nearly up. Its progress is saved, and the next run resumes it.
    #[error("the work was suspended")]
    Suspended,
    /// The job was cancelled or fenced off, or is out of time; nothing more may be written.
    #[error("the job was stopped")]
    Stopped,
}

impl WorkError {
    /// Creates a failure from a code and a message for the job's owner.
    pub fn failed(code: FailureCode, message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(code, message))
    }
}

impl From<StoppedError> for WorkError {
    fn from(_: StoppedError) -> Self {
        Self::Stopped
    }
}

impl From<io::Error> for WorkError {
    /// Finds a [`StoppedError`] or a [`Failure`] at any depth of wrapping.
    fn from(error: io::Error) -> Self {
        if find_cause::<StoppedError>(&error).is_some() {
            return Self::Stopped;
        }
        match find_cause::<Failure>(&error) {
            Some(failure) => Self::Failed(failure.clone()),
            None => Self::Io(error),
        }
    }
}

impl From<WorkError> for io::Error {
    /// Carries the error through a `Read` or `Write`.
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Failed(failure) => failure.into(),
            WorkError::Io(error) => error,
            suspended @ WorkError::Suspended => Self::other(suspended),
            WorkError::Stopped => StoppedError.into(),
        }
    }
}

/// Returns the first cause of type `E` in the chain of an I/O error.
#[must_use]
pub fn find_cause<E: StdError + 'static>(error: &io::Error) -> Option<&E> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // `source` of an I/O error skips the error that it wraps.
        next = match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
            Some(inner) => inner.map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_io_errors_are_kept() {
        let error = WorkError::from(io::Error::new(io::ErrorKind::TimedOut, "slow"));
        assert!(matches!(error, WorkError::Io(_)), "{error:?}");
        assert_eq!(error.to_string(), "slow");
        let bare = WorkError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(matches!(bare, WorkError::Io(_)), "{bare:?}");
    }

    #[test]
    fn stop_is_found_through_layers_of_wrapping() {
        let zip = zip::result::ZipError::Io(StoppedError.into());
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, zip));
        assert!(matches!(WorkError::from(wrapped), WorkError::Stopped));
        assert!(matches!(WorkError::from(StoppedError), WorkError::Stopped));
    }

    #[test]
    fn failure_survives_io() {
        let failure = Failure::new(FailureCode::FileEmpty, "The file is empty.");
        let io = io::Error::from(WorkError::from(failure.clone()));
        let back = WorkError::from(io::Error::other(io));
        assert!(matches!(back, WorkError::Failed(found) if found == failure));
    }

    #[test]
    fn stopped_and_io_errors_survive_io() {
        let stopped = io::Error::from(WorkError::Stopped);
        assert!(matches!(WorkError::from(stopped), WorkError::Stopped));
        let io = io::Error::from(WorkError::Io(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(io.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn any_cause_is_found_in_the_chain() {
        let zip = zip::result::ZipError::Io(io::Error::other(StoppedError));
        assert!(find_cause::<StoppedError>(&io::Error::other(zip)).is_some());
        assert!(find_cause::<StoppedError>(&io::Error::other("another")).is_none());
    }
}
