//! The failure of a job or an attempt: a closed set of codes for programs, and a message for
//! people.

use std::{fmt, io};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use text::MAX_MESSAGE_CHARS;

/// The reason that a job or an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The code, for programs.
    pub code: FailureCode,
    /// A sentence for the job's owner.
    pub message: String,
}

impl Failure {
    /// Creates a failure. A longer message, which quotes a file or a configuration, is cut to
    /// [`MAX_MESSAGE_CHARS`].
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
            message.truncate(end);
            message.push('…');
        }
        Self { code, message }
    }

    /// Returns the message as a line of the job's log, which ends without a period.
    #[must_use]
    pub fn log_line(&self) -> &str {
        self.message.strip_suffix('.').unwrap_or(&self.message)
    }
}

impl From<Failure> for io::Error {
    /// Wraps the failure so that it passes through a `Read` or `Write`.
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

/// Generates [`FailureCode`] from one row per code: variant, name in the API and the table,
/// meaning, and the owner's remedy (`None` if there is none).
macro_rules! failure_codes {
    ($($variant:ident = $name:literal, $meaning:literal, $remedy:expr;)+) => {
        /// The stable code of a [`Failure`]. Codes are part of the API: their names and meanings
        /// never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureCode {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] $variant,)+
        }

        impl FailureCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the API and the table.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The condition under which a job or an attempt fails with this code, as a clause.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }

            /// The owner's remedy, as an imperative; `None` if the owner cannot fix it.
            #[must_use]
            pub const fn remedy(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $remedy,)+
                }
            }
        }
    };
}

failure_codes! {
    ArchiveBomb = "archive_bomb",
        "an archive entry is larger than its limit or has a suspicious compression ratio, \
         or entries overlap",
        Some("check where the file comes from");
    ArchiveDamaged = "archive_damaged",
        "the archive is truncated, or its data does not match its checksums",
        Some("upload it again");
    ArchiveEncrypted = "archive_encrypted",
        "an archive entry that the job needs is encrypted",
        Some("upload it without a password");
    ArchiveEntryMissing = "archive_entry_missing",
        "the archive lacks a file that its format requires",
        Some("repair the file");
    ArchiveTooLarge = "archive_too_large",
        "the archive has too many entries, or its directory is too large",
        Some("split it");
    ArchiveUnsafeName = "archive_unsafe_name",
        "the path of an archive entry leads outside the archive, or is not a valid file name",
        Some("pack it again with relative paths");
    ArchiveUnsupported = "archive_unsupported",
        "the archive uses an unsupported compression method or feature",
        Some("pack it again as a plain zip");
    ConfigInvalid = "config_invalid",
        "the job's configuration is not valid",
        Some("correct `config_json`");
    DuplicateName = "duplicate_name",
        "two files of the package would have the same name",
        Some("rename one of them");
    EpubContainerMissing = "epub_container_missing",
        "the EPUB has no `META-INF/container.xml`, or that file names no package document",
        Some("repair the EPUB");
    EpubDamaged = "epub_damaged",
        "the EPUB's container or package document is not well-formed, or violates the format",
        Some("repair the EPUB");
    EpubOpfMissing = "epub_opf_missing",
        "the package document named in the EPUB's container does not exist",
        Some("repair the EPUB");
    FileEmpty = "file_empty",
        "the file is empty",
        Some("upload it again");
    FileTooComplex = "file_too_complex",
        "the file takes more memory or time to read than allowed",
        Some("save it again with another program, or upload another version");
    NfoAmbiguous = "nfo_ambiguous",
        "there is no package, and more than one source file is an NFO",
        Some("keep one, or run `packaging` first");
    NfoMissing = "nfo_missing",
        "the release has no NFO",
        Some("run `packaging` with `generate_nfo`, or upload one");
    NfoTooLarge = "nfo_too_large",
        "the NFO, or the job's result about it, is too large to store",
        Some("shorten it");
    PackageCorrupt = "package_corrupt",
        "a file of the package is missing or does not match its checksum, or its archive cannot be unpacked",
        Some("run `packaging` again, or restore an earlier package");
    PackageMissing = "package_missing",
        "the release has no package, or the files of its package are gone",
        Some("run `packaging` first");
    PdfDamaged = "pdf_damaged",
        "nothing can be read from the PDF",
        Some("upload it again");
    ReleaseChanged = "release_changed",
        "the release's package or metadata changed while the job ran",
        Some("retry the job; it uses the current release");
    ReleaseForbidden = "release_forbidden",
        "the release belongs to another user",
        Some("run the job on a release of your own");
    ReleaseMissing = "release_missing",
        "the job names no release, or one that does not exist",
        Some("create the release first");
    ReleaseNameInvalid = "release_name_invalid",
        "the release's name breaks the naming rules, or cannot be built from the metadata",
        Some("set `release_name`");
    SfvInvalid = "sfv_invalid",
        "the package's SFV cannot be read",
        Some("run `dirfix`, or `packaging` again");
    SourceAmbiguous = "source_ambiguous",
        "the release has several source files",
        Some("name one in `path`");
    SourceChanged = "source_changed",
        "a file was replaced or deleted while the job read it",
        Some("retry the job");
    SourceMissing = "source_missing",
        "the release has no source file, or none with that path",
        Some("upload it");
    TemplateInvalid = "template_invalid",
        "the NFO template does not parse, uses an unknown placeholder, or takes too much work to render",
        Some("correct the template");
    TooManySources = "too_many_sources",
        "the release has more than 1,000 source files",
        Some("pack them");
    TooManyVolumes = "too_many_volumes",
        "the archive would need more volumes than the volume names can number",
        Some("raise `volume_size`");
    VolumesNeeded = "volumes_needed",
        "the archive would exceed the largest size of a single file, at least 83 GB",
        Some("set `volume_size`");
    XmlEntitiesRefused = "xml_entities_refused",
        "an XML document declares entities, which are not allowed",
        Some("repair the EPUB");

    AttemptCrashed = "attempt_crashed",
        "the process died in two attempts in a row, most likely because of the job's files",
        Some("check the files and the configuration, then retry the job");

    Crashed = "crashed",
        "the worker stopped responding and its lease expired",
        None;
    Internal = "internal",
        "an internal error occurred, or a service rejected the job's request; \
         the operator's log has the details",
        None;
    Storage = "storage",
        "a file could not be read or written",
        None;
    TimedOut = "timed_out",
        "the attempt ran out of time",
        None;
    Unavailable = "unavailable",
        "a service that the job needs was unavailable; the attempt continues in the next run",
        None;
    AttemptsExhausted = "attempts_exhausted",
        "every attempt failed; the message contains the last error",
        None;
    DeadLettered = "dead_lettered",
        "the job's message was delivered many times, but the job never ended",
        None;
    Failed = "failed",
        "an operator failed the job with `update_status` and gave no other reason",
        None;
}

impl FailureCode {
    /// Returns whether the cause is in the system and an operator has to act.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(
            self,
            Self::Internal | Self::AttemptsExhausted | Self::DeadLettered
        )
    }

    /// Returns the code stored as `name`. An unknown name, written by a newer version, becomes
    /// [`FailureCode::Internal`], so that the job stays readable after a rollback.
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        let known = Self::ALL.iter().copied().find(|code| code.as_str() == name);
        known.unwrap_or(Self::Internal)
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FailureCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FailureCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_stored(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_round_trips_through_its_name() {
        for &code in FailureCode::ALL {
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(serde_json::from_str::<FailureCode>(&json).unwrap(), code);
        }
    }

    #[test]
    fn long_message_is_cut() {
        let failure = Failure::new(FailureCode::EpubDamaged, "é".repeat(5_000));
        assert_eq!(failure.message.chars().count(), MAX_MESSAGE_CHARS + 1);
        assert!(failure.message.ends_with("é…"));
    }

    #[test]
    fn unknown_code_is_read_as_internal() {
        assert_eq!(
            FailureCode::from_stored("from_the_future"),
            FailureCode::Internal
        );
    }

    #[test]
    fn internal_code_has_no_remedy_for_the_owner() {
        let internal = FailureCode::ALL.iter().filter(|code| code.is_internal());
        assert!(
            internal.clone().count() > 0 && internal.clone().all(|code| code.remedy().is_none())
        );
    }
}
