//! The configuration of each job type, parsed and validated.

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
/// The allowed volume sizes, in bytes.
const VOLUME_SIZES: std::ops::RangeInclusive<u64> = 64 * 1024..=10 * 1024 * 1024 * 1024;

/// The configuration of an `analysis` job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisConfig {
    /// The source file to read; `None` if the release has only one.
    pub path: Option<SourcePath>,
}

/// The configuration of a `packaging` or `repack` job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagingConfig {
    /// The release's name; `None` builds it from the metadata.
    pub release_name: Option<String>,
    /// The group at the end of a built name; `None` takes the release's group.
    pub group: Option<String>,
    /// The compression of the archive.
    pub compression: Compression,
    /// The largest size of a volume of the archive, in bytes; `None` writes a single file.
    pub volume_size: Option<u64>,
    /// The files that the package has beside its archive.
    pub generated: Vec<GeneratedFile>,
    /// The template of the NFO; `None` takes the default.
    pub template: Option<String>,
}

impl PackagingConfig {
    /// Returns whether the package has this file.
    #[must_use]
    pub fn generates(&self, file: GeneratedFile) -> bool {
        self.generated.contains(&file)
    }
}

/// A file that a package may have beside its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratedFile {
    /// The NFO.
    Nfo,
    /// The `FILE_ID.DIZ`.
    Diz,
    /// The metadata as a package document of EPUB.
    Opf,
    /// The metadata as an ONIX message.
    Onix,
    /// The checksums of all files.
    Sfv,
}

impl GeneratedFile {
    /// Every file, with the field of the configuration and its default.
    const FIELDS: [(Self, &'static str, bool); 5] = [
        (Self::Nfo, "generate_nfo", true),
        (Self::Diz, "generate_diz", true),
        (Self::Opf, "generate_opf", false),
        (Self::Onix, "generate_onix", false),
        (Self::Sfv, "generate_sfv", true),
    ];

    fn read(fields: &mut FieldReader) -> Vec<Self> {
        let mut is_set = |(_, field, default): &(Self, &'static str, bool)| {
            fields.flag(field).unwrap_or(*default)
        };
        let set = Self::FIELDS.iter().filter(|row| is_set(row));
        set.map(|(file, ..)| *file).collect()
    }
}

/// The compression of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Store,
    /// The usual trade-off between size and speed.
    #[default]
    Normal,
    /// The smallest size, slower.
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

/// The configuration of an `nfofix` job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NfofixConfig {
    /// Report the changes without making them.
    pub dry_run: bool,
}

/// The configuration of a `readnfo` job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadnfoConfig {
    /// Write the metadata to the release.
    pub apply: bool,
}

/// The configuration of a `dirfix` job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirfixConfig {
    /// Report the changes without making them.
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
        let release_name = fields.checked("release_name", release::check_name);
        let group = fields.checked("group", release::check_group);
        let ending = release_name.as_deref().and_then(release::group_of);
        if group.is_some() && ending.is_some() && group.as_deref() != ending {
            fields.error("group", "must be the group at the end of `release_name`");
        }
        Self {
            release_name,
            group,
            compression: fields.parsed("compression").unwrap_or_default(),
            volume_size: fields.integer("volume_size", VOLUME_SIZES),
            generated: GeneratedFile::read(fields),
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
    fn empty_configuration_has_defaults() {
        for &job_type in JobType::ALL {
            assert!(parse(job_type, &json!({})).is_ok(), "{job_type}");
        }
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &json!({})) else {
            panic!("packaging")
        };
        assert_eq!(config.compression, Compression::Normal);
        let expected = [GeneratedFile::Nfo, GeneratedFile::Diz, GeneratedFile::Sfv];
        assert_eq!(config.generated, expected);
        assert_eq!(config.volume_size, None);
    }

    #[test]
    fn unknown_field_is_refused_for_every_type() {
        for &job_type in JobType::ALL {
            assert_eq!(
                parse(job_type, &json!({"compresion": "high"})),
                Err(vec!["config_json.compresion".to_owned()])
            );
        }
    }

    #[test]
    fn invalid_values_are_refused_by_field() {
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
    fn group_must_agree_with_the_release_name() {
        let fields = |group| {
            let config = json!({"release_name": "Jane.Doe-Book-2024-GRP", "group": group});
            parse(JobType::Packaging, &config).err().unwrap_or_default()
        };
        assert_eq!(fields("GRP"), [""; 0]);
        assert_eq!(fields("OTHER"), ["config_json.group"]);
    }

    #[test]
    fn full_configuration_is_read() {
        let config = json!({
            "release_name": "Jane.Doe-Book-2024-GRP", "group": "GRP", "compression": "high",
            "volume_size": 1_000_000, "generate_nfo": false, "template": "{{ title }}",
            "generate_onix": true,
        });
        let Ok(Config::Packaging(config)) = parse(JobType::Packaging, &config) else {
            panic!("packaging")
        };
        assert_eq!(config.compression, Compression::High);
        assert_eq!(config.volume_size, Some(1_000_000));
        assert!(!config.generates(GeneratedFile::Nfo) && config.generates(GeneratedFile::Onix));
    }
}
