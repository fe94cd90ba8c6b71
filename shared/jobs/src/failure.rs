//! Why a job or an attempt failed: a closed set of codes for programs, and a sentence for people.

use std::{fmt, io};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a job, or an attempt, failed: for its owner, and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What a program can switch on.
    pub code: FailureCode,
    /// A sentence that the job's owner understands.
    pub message: String,
}

impl Failure {
    /// A failure with a code and a sentence.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Returns the message as a line of the job's log, which ends without a period.
    #[must_use]
    pub fn log_line(&self) -> &str {
        self.message.strip_suffix('.').unwrap_or(&self.message)
    }
}

impl From<Failure> for io::Error {
    /// Carries the failure through a `Read` or `Write`.
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

/// Makes [`FailureCode`] of one row a code: variant, name in the API and the table, when a job fails with it, and what
/// its owner can do (`None`: nothing).
macro_rules! failure_codes {
    ($($variant:ident = $name:literal, $meaning:literal, $remedy:expr;)+) => {
        /// The stable code of a [`Failure`]. Codes are part of the API: none is renamed, none changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureCode {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] $variant,)+
        }

        impl FailureCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that the API and the table use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// When a job, or an attempt, fails with this code: a clause.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }

            /// What the job's owner can do about it; `None` where they can do nothing.
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
        "an archive entry unpacks to more than its limit, or has a suspicious compression ratio, or entries overlap",
        Some("check where the file comes from");
    ArchiveDamaged = "archive_damaged",
        "the archive is cut short, or its data does not match its checksums",
        Some("upload it again");
    ArchiveEncrypted = "archive_encrypted",
        "an archive entry that has to be read is encrypted",
        Some("upload it without a password");
    ArchiveEntryMissing = "archive_entry_missing",
        "the archive lacks a file that its format requires",
        Some("repair the file");
    ArchiveTooLarge = "archive_too_large",
        "the archive has more entries, or a larger directory, than the system reads",
        Some("split it");
    ArchiveUnsafeName = "archive_unsafe_name",
        "the name of an archive entry leaves the archive's folder, or is not valid on any file system",
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
        "the EPUB has no `META-INF/container.xml`, or it names no package document",
        Some("repair the EPUB");
    EpubDamaged = "epub_damaged",
        "the EPUB's container or package document is not well-formed, or not what the format requires",
        Some("repair the EPUB");
    EpubOpfMissing = "epub_opf_missing",
        "the package document that the EPUB's container names does not exist",
        Some("repair the EPUB");
    FileEmpty = "file_empty",
        "the file is empty",
        Some("upload it again");
    NfoAmbiguous = "nfo_ambiguous",
        "there is no package, and more than one source file is an NFO",
        Some("keep one, or run `packaging` first");
    NfoMissing = "nfo_missing",
        "the release has no NFO",
        Some("run `packaging` with `generate_nfo`, or upload one");
    NfoTooLarge = "nfo_too_large",
        "the NFO, or the job's result about it, is larger than the system keeps",
        Some("shorten it");
    PackageCorrupt = "package_corrupt",
        "a file of the package is missing, or does not match its checksum",
        Some("run `packaging` again, or restore an earlier package");
    PackageMissing = "package_missing",
        "the release has no package, or its files are gone",
        Some("run `packaging` first");
    PdfDamaged = "pdf_damaged",
        "nothing can be read from the PDF",
        Some("upload it again");
    ReleaseChanged = "release_changed",
        "the release got another package or other metadata while the job ran",
        Some("retry the job: it works on the release as it is now");
    ReleaseMissing = "release_missing",
        "the job names no release, or one that does not exist",
        Some("create the release first");
    ReleaseNameInvalid = "release_name_invalid",
        "the release's name breaks the naming rules, or none can be built from the metadata",
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
        "the archive would need more volumes than their names can count",
        Some("raise `volume_size`");
    VolumesNeeded = "volumes_needed",
        "the archive would be larger than the 83 GB that a single file can have",
        Some("set `volume_size`");
    XmlEntitiesRefused = "xml_entities_refused",
        "an XML document defines its own entities, which are never expanded",
        Some("repair the EPUB");

    Crashed = "crashed",
        "the worker stopped responding and its lease expired",
        None;
    Internal = "internal",
        "an internal error occurred, or a service refused the job's request; the operator's log has the details",
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
        "every attempt failed; the message has the last error",
        None;
    DeadLettered = "dead_lettered",
        "the job's message was delivered many times and the job never ended",
        None;
    Failed = "failed",
        "an operator failed the job with `update_status`, without another reason",
        None;
}

impl FailureCode {
    /// Whether the cause lies with the system and an operator has to act.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(
            self,
            Self::Internal | Self::AttemptsExhausted | Self::DeadLettered
        )
    }

    /// The code that the table calls `name`. A name that only a newer version knows is [`FailureCode::Internal`]: the
    /// job stays readable after a rollback.
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
    fn every_code_is_read_back_from_its_name() {
        for &code in FailureCode::ALL {
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(serde_json::from_str::<FailureCode>(&json).unwrap(), code);
        }
    }

    #[test]
    fn a_code_of_a_newer_version_is_internal() {
        assert_eq!(
            FailureCode::from_stored("from_the_future"),
            FailureCode::Internal
        );
    }

    #[test]
    fn a_failure_that_an_operator_must_look_at_offers_its_owner_no_remedy() {
        let internal = FailureCode::ALL.iter().filter(|code| code.is_internal());
        assert!(
            internal.clone().count() > 0 && internal.clone().all(|code| code.remedy().is_none())
        );
    }
}
