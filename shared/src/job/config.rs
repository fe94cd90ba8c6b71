//! The job types and the configuration of each, typed and validated.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    fields::{FieldError, Fields},
    release::{self, SourcePath},
};

/// The largest configuration, in bytes of its JSON.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// The largest NFO template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 32 * 1024;
/// The sizes that a volume may have, in bytes.
const VOLUME_SIZES: std::ops::RangeInclusive<u64> = 64 * 1024..=10 * 1024 * 1024 * 1024;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// Reads a source file: metadata, media information, structure.
    Analysis,
    /// Builds the release: archive, NFO, DIZ, SFV.
    Packaging,
    /// Rebuilds the current package with other options.
    Repack,
    /// Repairs the NFO.
    Nfofix,
    /// Reads the NFO back into metadata.
    Readnfo,
    /// Finds and repairs names and structure.
    Dirfix,
}

impl JobType {
    /// Every job type.
    pub const ALL: [Self; 6] =
        [Self::Analysis, Self::Packaging, Self::Repack, Self::Nfofix, Self::Readnfo, Self::Dirfix];

    /// The name that the API, the queue and the table use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Packaging => "packaging",
            Self::Repack => "repack",
            Self::Nfofix => "nfofix",
            Self::Readnfo => "readnfo",
            Self::Dirfix => "dirfix",
        }
    }

    /// How many attempts a job of this type has before it fails.
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

/// The text names no job type.
#[derive(Debug, thiserror::Error)]
#[error("must be one of analysis, packaging, repack, nfofix, readnfo, dirfix")]
pub struct UnknownJobType;

impl FromStr for JobType {
    type Err = UnknownJobType;

    fn from_str(text: &str) -> Result<Self, UnknownJobType> {
        Self::ALL.into_iter().find(|job_type| job_type.as_str() == text).ok_or(UnknownJobType)
    }
}

/// The configuration of a job, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// Of an `analysis` job.
    Analysis(AnalysisConfig),
    /// Of a `packaging` job.
    Packaging(PackagingConfig),
    /// Of a `repack` job: the same options as packaging.
    Repack(PackagingConfig),
    /// Of an `nfofix` job.
    Nfofix(NfofixConfig),
    /// Of a `readnfo` job.
    Readnfo(ReadnfoConfig),
    /// Of a `dirfix` job.
    Dirfix(DirfixConfig),
}

/// What an `analysis` job reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisConfig {
    /// The source file; without one, the only one.
    pub path: Option<SourcePath>,
}

/// How a package is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagingConfig {
    /// The release's name; without one it is built from the metadata.
    pub release_name: Option<String>,
    /// The group that ends a built name; without one, the release's group.
    pub group: Option<String>,
    /// How hard the archive is compressed.
    pub compression: Compression,
    /// The largest size of an archive's volume, in bytes; without one the archive is one file.
    pub volume_size: Option<u64>,
    /// Whether the package has an NFO.
    pub generate_nfo: bool,
    /// Whether the package has a `FILE_ID.DIZ`.
    pub generate_diz: bool,
    /// Whether the package has an SFV.
    pub generate_sfv: bool,
    /// The NFO's template; without one, the default.
    pub template: Option<String>,
}

/// How hard an archive is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Store,
    /// As most tools do.
    #[default]
    Normal,
    /// As small as the method goes, slower.
    High,
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "store" => Ok(Self::Store),
            "normal" => Ok(Self::Normal),
            "high" => Ok(Self::High),
            _ => Err("must be one of store, normal, high"),
        }
    }
}

/// How an NFO is repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NfofixConfig {
    /// Only report what would change.
    pub dry_run: bool,
}

/// What is done with what an NFO says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadnfoConfig {
    /// Write the metadata to the release.
    pub apply: bool,
}

/// How names and structure are repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirfixConfig {
    /// Only report what would change.
    pub dry_run: bool,
}

impl Config {
    /// Whether the job changes its release: one job at a time does.
    #[must_use]
    pub const fn changes_release(&self) -> bool {
        match self {
            Self::Analysis(_) => false,
            Self::Packaging(_) | Self::Repack(_) => true,
            Self::Nfofix(config) => !config.dry_run,
            Self::Readnfo(config) => config.apply,
            Self::Dirfix(config) => !config.dry_run,
        }
    }

    /// Reads and checks the configuration of a `job_type` job.
    ///
    /// # Errors
    /// Every fault, its field named `config_json.<field>`.
    pub fn parse(job_type: JobType, config: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::new(config.clone(), "config_json.");
        let config = match job_type {
            JobType::Analysis => Self::Analysis(AnalysisConfig { path: fields.parsed("path") }),
            JobType::Packaging => Self::Packaging(packaging(&mut fields)),
            JobType::Repack => Self::Repack(packaging(&mut fields)),
            JobType::Nfofix => Self::Nfofix(NfofixConfig { dry_run: fields.flag("dry_run").unwrap_or(false) }),
            JobType::Readnfo => Self::Readnfo(ReadnfoConfig { apply: fields.flag("apply").unwrap_or(false) }),
            JobType::Dirfix => Self::Dirfix(DirfixConfig { dry_run: fields.flag("dry_run").unwrap_or(false) }),
        };
        fields.finish()?;
        Ok(config)
    }
}

fn packaging(fields: &mut Fields) -> PackagingConfig {
    let release_name = fields.checked("release_name", release::check_name);
    let group = fields.checked("group", release::check_group);
    PackagingConfig {
        release_name,
        group,
        compression: fields.parsed("compression").unwrap_or_default(),
        volume_size: fields.integer("volume_size", VOLUME_SIZES),
        generate_nfo: fields.flag("generate_nfo").unwrap_or(true),
        generate_diz: fields.flag("generate_diz").unwrap_or(true),
        generate_sfv: fields.flag("generate_sfv").unwrap_or(true),
        template: fields.text("template", MAX_TEMPLATE_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(job_type: JobType, config: &Value) -> Result<Config, Vec<String>> {
        Config::parse(job_type, config.as_object().unwrap())
            .map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn an_empty_configuration_has_the_defaults() {
        for job_type in JobType::ALL {
            assert!(parse(job_type, &json!({})).is_ok(), "{job_type}");
        }
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &json!({})) else { panic!("packaging") };
        assert_eq!(config.compression, Compression::Normal);
        assert!(config.generate_nfo && config.generate_diz && config.generate_sfv);
        assert_eq!(config.volume_size, None);
    }

    #[test]
    fn a_typo_is_refused_by_name_for_every_type() {
        for job_type in JobType::ALL {
            assert_eq!(parse(job_type, &json!({"compresion": "high"})), Err(vec!["config_json.compresion".to_owned()]));
        }
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let config = json!({
            "release_name": "x", "group": "no spaces", "compression": "best", "volume_size": 1,
            "generate_nfo": "yes", "template": "",
        });
        let fields = parse(JobType::Repack, &config).unwrap_err();
        assert_eq!(
            fields,
            ["release_name", "group", "compression", "volume_size", "generate_nfo", "template"]
                .map(|field| format!("config_json.{field}"))
        );
        assert!(parse(JobType::Analysis, &json!({"path": "../secret"})).is_err());
        assert!(parse(JobType::Nfofix, &json!({"dry_run": 1})).is_err());
    }

    #[test]
    fn a_full_configuration_is_read() {
        let config = json!({
            "release_name": "Jane.Doe-Book-2024-GRP", "group": "GRP", "compression": "high",
            "volume_size": 1_000_000, "generate_nfo": false, "template": "{{ title }}",
        });
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &config) else { panic!("packaging") };
        assert_eq!(config.compression, Compression::High);
        assert_eq!(config.volume_size, Some(1_000_000));
        assert!(!config.generate_nfo);
    }
}
