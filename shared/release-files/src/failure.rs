//! Why work stops before its end, and every stable failure code of the file work.

use std::error::Error as StdError;
use std::io;

/// The codes that `error.code` of a failed job can carry from the file work. They are part of
/// the API: a code is never renamed, and its meaning never changes.
pub mod code {
    /// The archive is cut short, has no readable directory, or its data does not match its checksums.
    pub const ARCHIVE_DAMAGED: &str = "archive_damaged";
    /// An entry that has to be read is encrypted.
    pub const ARCHIVE_ENCRYPTED: &str = "archive_encrypted";
    /// The archive has more entries, or a larger directory, than the system reads.
    pub const ARCHIVE_TOO_LARGE: &str = "archive_too_large";
    /// An entry unpacks to more than its limit, or far more than its packed size explains.
    pub const ARCHIVE_BOMB: &str = "archive_bomb";
    /// An entry's name leaves the archive's folder, or no file system takes it.
    pub const ARCHIVE_UNSAFE_NAME: &str = "archive_unsafe_name";
    /// The archive uses a compression method or a feature that is not supported.
    pub const ARCHIVE_UNSUPPORTED: &str = "archive_unsupported";
    /// The archive does not contain a file that its format requires, or that was asked for.
    pub const ARCHIVE_ENTRY_MISSING: &str = "archive_entry_missing";
    /// The EPUB has no `META-INF/container.xml`, or it names no package document.
    pub const EPUB_CONTAINER_MISSING: &str = "epub_container_missing";
    /// The package document (OPF) that the EPUB's container names does not exist.
    pub const EPUB_OPF_MISSING: &str = "epub_opf_missing";
    /// The EPUB's container or package document is not well-formed, or not what it should be.
    pub const EPUB_DAMAGED: &str = "epub_damaged";
    /// An XML document uses a DTD's own entities, which are never expanded.
    pub const XML_ENTITIES_REFUSED: &str = "xml_entities_refused";
    /// Nothing at all can be read from the PDF.
    pub const PDF_DAMAGED: &str = "pdf_damaged";
    /// The file is empty.
    pub const FILE_EMPTY: &str = "file_empty";
    /// The file changed, or is shorter than its announced size, while it was read.
    pub const SOURCE_CHANGED: &str = "source_changed";
    /// The release name breaks the naming rules, or none can be built from the metadata.
    pub const RELEASE_NAME_INVALID: &str = "release_name_invalid";
    /// Two files of one package would have the same name.
    pub const DUPLICATE_NAME: &str = "duplicate_name";
    /// The archive would need more volumes than their names can count.
    pub const TOO_MANY_VOLUMES: &str = "too_many_volumes";
    /// The archive would be larger than one file in the bucket can be written: it needs volumes.
    pub const VOLUMES_NEEDED: &str = "volumes_needed";
    /// The NFO template does not parse, uses an unknown placeholder, or asks for too much work.
    pub const TEMPLATE_INVALID: &str = "template_invalid";
    /// The release has no NFO, neither in its package nor among its source files.
    pub const NFO_MISSING: &str = "nfo_missing";
    /// There is no package, and more than one source file is an NFO.
    pub const NFO_AMBIGUOUS: &str = "nfo_ambiguous";
    /// The NFO, or what would be said about it, is larger than the system keeps.
    pub const NFO_TOO_LARGE: &str = "nfo_too_large";
    /// The checksum file is not a valid SFV.
    pub const SFV_INVALID: &str = "sfv_invalid";
    /// The release has no package yet, or its files are gone.
    pub const PACKAGE_MISSING: &str = "package_missing";
    /// A file of the package is missing, or is not what its checksum says.
    pub const PACKAGE_CORRUPT: &str = "package_corrupt";
}

/// A final failure: a stable code (see [`code`]) and a sentence the job's owner understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What a client may switch on.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
}

impl Failure {
    /// A failure with its code and sentence.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// This failure as an I/O error, for code behind a `Read` or `Write`; converting that error
    /// into a [`WorkError`] gives the failure back.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

/// What an adapter wraps in an I/O error to stop the work that reads or writes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job was stopped")]
pub struct StoppedError;

impl StoppedError {
    /// The stop as an I/O error; converting it gives [`WorkError::Stopped`].
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

/// What an adapter wraps in an I/O error when a service that it reads from or writes to is unavailable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnavailableError(pub String);

/// Why work stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The input or the configuration can never succeed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Something that may pass; the attempt is retried.
    #[error(transparent)]
    Io(io::Error),
    /// A dependency is unavailable: the job is given back, and its attempt not counted.
    #[error(transparent)]
    Unavailable(UnavailableError),
    /// The job was cancelled, fenced off or given back; write nothing more.
    #[error("the job was stopped")]
    Stopped,
}

impl WorkError {
    /// A final failure with its code and sentence.
    pub fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(code, message))
    }
}

impl From<StoppedError> for WorkError {
    fn from(_: StoppedError) -> Self {
        Self::Stopped
    }
}

impl From<io::Error> for WorkError {
    /// Finds a [`StoppedError`], a [`Failure`] or an unavailable dependency however deep
    /// libraries wrapped it.
    fn from(error: io::Error) -> Self {
        error
            .get_ref()
            .and_then(|inner| marked(inner))
            .unwrap_or(Self::Io(error))
    }
}

impl From<WorkError> for io::Error {
    /// The way back, for code that has to answer through a `Read` or `Write`.
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Failed(failure) => failure.into_io(),
            WorkError::Io(error) => error,
            WorkError::Unavailable(error) => Self::other(error),
            WorkError::Stopped => StoppedError.into_io(),
        }
    }
}

/// What an error in the chain of causes says about the work.
fn marked(error: &(dyn StdError + 'static)) -> Option<WorkError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<StoppedError>() {
            return Some(WorkError::Stopped);
        }
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(WorkError::Failed(failure.clone()));
        }
        if let Some(error) = error.downcast_ref::<UnavailableError>() {
            return Some(WorkError::Unavailable(error.clone()));
        }
        // `source` of an io::Error skips the error it wraps, so look at that one itself.
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
    fn a_plain_io_error_may_pass() {
        let error = WorkError::from(io::Error::new(io::ErrorKind::TimedOut, "slow"));
        assert!(matches!(error, WorkError::Io(_)), "{error:?}");
        assert_eq!(error.to_string(), "slow");
        let bare = WorkError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(matches!(bare, WorkError::Io(_)), "{bare:?}");
    }

    #[test]
    fn a_stop_is_found_through_layers_of_wrapping() {
        let zip = zip::result::ZipError::Io(StoppedError.into_io());
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, zip));
        assert!(matches!(WorkError::from(wrapped), WorkError::Stopped));
        assert!(matches!(WorkError::from(StoppedError), WorkError::Stopped));
    }

    #[test]
    fn a_failure_survives_the_way_through_io() {
        let failure = Failure::new(code::FILE_EMPTY, "The file is empty.");
        let back = WorkError::from(io::Error::other(io::Error::from(WorkError::from(
            failure.clone(),
        ))));
        assert!(matches!(back, WorkError::Failed(found) if found == failure));
    }

    #[test]
    fn an_unavailable_dependency_survives_the_way_through_io() {
        let down = UnavailableError("slow down".to_owned());
        let zip = io::Error::other(zip::result::ZipError::Io(io::Error::other(down)));
        let found = WorkError::from(zip);
        assert!(matches!(&found, WorkError::Unavailable(_)), "{found:?}");
        assert!(matches!(
            WorkError::from(io::Error::from(found)),
            WorkError::Unavailable(_)
        ));
    }

    #[test]
    fn stopped_and_io_survive_the_way_through_io() {
        let stopped = io::Error::from(WorkError::Stopped);
        assert!(matches!(WorkError::from(stopped), WorkError::Stopped));
        let io = io::Error::from(WorkError::Io(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(io.kind(), io::ErrorKind::BrokenPipe);
    }
}
