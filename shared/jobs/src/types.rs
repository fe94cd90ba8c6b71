//! The registry of job types, one line per type.

use std::{fmt, str::FromStr};

use super::{AnalysisConfig, DirfixConfig, NfofixConfig, PackagingConfig, ReadnfoConfig};
use crate::FieldReader;

/// The configuration of a job type.
pub trait JobConfig: Sized {
    /// Reads it from `config_json`; `fields` records every error.
    fn read(fields: &mut FieldReader) -> Self;

    /// Returns whether a job with this configuration changes its release. Such jobs run one at a
    /// time per release.
    fn changes_release(&self) -> bool;
}

/// Generates `JobType` and `Config` from a list of job types: variant, type of the configuration
/// (a [`JobConfig`]), and name in the API, the queue and the table.
#[macro_export]
macro_rules! job_types {
    ($($(#[$doc:meta])+ $variant:ident($config:ty) = $name:literal,)+) => {
        /// The type of a job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum JobType {
            $($(#[$doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl JobType {
            /// Every job type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the API, the queue and the table.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        /// The configuration of a job, by its type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Config {
            $($(#[$doc])+ $variant($config),)+
        }

        impl Config {
            /// Returns whether the job changes its release. Such jobs run one at a time per
            /// release.
            #[must_use]
            pub fn changes_release(&self) -> bool {
                match self {
                    $(Self::$variant(config) => $crate::JobConfig::changes_release(config),)+
                }
            }

            /// Reads and validates the configuration of a `job_type` job.
            ///
            /// # Errors
            /// Every error, with the field named `config_json.<field>`.
            pub fn parse(
                job_type: JobType,
                config: &serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, Vec<$crate::FieldError>> {
                $crate::FieldReader::read_with(config.clone(), "config_json.", |fields| {
                    Some(match job_type {
                        $(JobType::$variant => Self::$variant($crate::JobConfig::read(fields)),)+
                    })
                })
            }
        }
    };
}

job_types! {
    /// Reads a source file: metadata, media information, structure.
    Analysis(AnalysisConfig) = "analysis",
    /// Builds the package: archive, NFO, DIZ, SFV.
    Packaging(PackagingConfig) = "packaging",
    /// Rebuilds the current package with other options.
    Repack(PackagingConfig) = "repack",
    /// Repairs the NFO.
    Nfofix(NfofixConfig) = "nfofix",
    /// Reads the NFO back into metadata.
    Readnfo(ReadnfoConfig) = "readnfo",
    /// Finds and repairs names and structure.
    Dirfix(DirfixConfig) = "dirfix",
}

impl JobType {
    /// Returns whether a job of this type needs a release. Every type so far works on one.
    #[must_use]
    pub const fn needs_release(self) -> bool {
        true
    }

    /// The number of attempts before a job of this type fails.
    #[must_use]
    pub const fn max_attempts(self) -> u32 {
        3
    }
}

impl fmt::Display for JobType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a job type.
#[derive(Debug, thiserror::Error)]
#[error("must be one of {}", JobType::ALL.iter().map(|job_type| job_type.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownJobType;

impl FromStr for JobType {
    type Err = UnknownJobType;

    fn from_str(text: &str) -> Result<Self, UnknownJobType> {
        Self::ALL
            .iter()
            .copied()
            .find(|job_type| job_type.as_str() == text)
            .ok_or(UnknownJobType)
    }
}
