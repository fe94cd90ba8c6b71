//! The configuration of each job type, typed and validated.

use std::str::FromStr;

use super::JobConfig;
use crate::{
    FieldReader,
    release::{self, SourcePath},
};

/// The largest configuration, in bytes of its JSON.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// The largest NFO template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 32 * 1024;
/// The sizes that a volume may have, in bytes.
const VOLUME_SIZES: std::ops::RangeInclusive<u64> = 64 * 1024..=10 * 1024 * 1024 * 1024;

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

impl JobConfig for AnalysisConfig {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            path: fields.parsed("path"),
        }
    }

    fn changes_release(&self) -> bool {
        false
    }
}

impl JobConfig for PackagingConfig {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            release_name: fields.checked("release_name", release::check_name),
            group: fields.checked("group", release::check_group),
            compression: fields.parsed("compression").unwrap_or_default(),
            volume_size: fields.integer("volume_size", VOLUME_SIZES),
            generate_nfo: fields.flag("generate_nfo").unwrap_or(true),
            generate_diz: fields.flag("generate_diz").unwrap_or(true),
            generate_sfv: fields.flag("generate_sfv").unwrap_or(true),
            template: fields.text("template", MAX_TEMPLATE_BYTES),
        }
    }

    fn changes_release(&self) -> bool {
        true
    }
}

impl JobConfig for NfofixConfig {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            dry_run: fields.flag("dry_run").unwrap_or(false),
        }
    }

    fn changes_release(&self) -> bool {
        !self.dry_run
    }
}

impl JobConfig for ReadnfoConfig {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            apply: fields.flag("apply").unwrap_or(false),
        }
    }

    fn changes_release(&self) -> bool {
        self.apply
    }
}

impl JobConfig for DirfixConfig {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            dry_run: fields.flag("dry_run").unwrap_or(false),
        }
    }

    fn changes_release(&self) -> bool {
        !self.dry_run
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Config, JobType};

    fn parse(job_type: JobType, config: &Value) -> Result<Config, Vec<String>> {
        Config::parse(job_type, config.as_object().unwrap())
            .map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn an_empty_configuration_has_the_defaults() {
        for &job_type in JobType::ALL {
            assert!(parse(job_type, &json!({})).is_ok(), "{job_type}");
        }
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &json!({})) else {
            panic!("packaging")
        };
        assert_eq!(config.compression, Compression::Normal);
        assert!(config.generate_nfo && config.generate_diz && config.generate_sfv);
        assert_eq!(config.volume_size, None);
    }

    #[test]
    fn a_typo_is_refused_by_name_for_every_type() {
        for &job_type in JobType::ALL {
            assert_eq!(
                parse(job_type, &json!({"compresion": "high"})),
                Err(vec!["config_json.compresion".to_owned()])
            );
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
            [
                "release_name",
                "group",
                "compression",
                "volume_size",
                "generate_nfo",
                "template"
            ]
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
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &config) else {
            panic!("packaging")
        };
        assert_eq!(config.compression, Compression::High);
        assert_eq!(config.volume_size, Some(1_000_000));
        assert!(!config.generate_nfo);
    }
}
