//! The ids of findings.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Severity;
use super::rules::{COUNT, RULES, Rule};

/// The kind of a finding. The ids are part of the API: their meanings never change.
///
/// Those that begin with `OPF`, `PKG`, `RSC`, `NCX`, `NAV`, `HTM` or `SCP` are epubcheck's. The others are
/// for what epubcheck has no id for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the meaning of each is in its rule")]
pub enum FindingId {
    Pkg005,
    Pkg006,
    Pkg007,
    Pkg009,
    Pkg010,
    Pkg011,
    Pkg012,
    Pkg013,
    Pkg014,
    Pkg016,
    Opf016,
    Opf017,
    Opf060,
    Opf061,
    Rsc001,
    Rsc003,
    Rsc004,
    Rsc019,
    Opf001,
    Opf003,
    Opf010,
    Opf027,
    Opf028,
    Opf029,
    Opf030,
    Opf031,
    Opf032,
    Opf033,
    Opf034,
    Opf035,
    Opf037,
    Opf040,
    Opf042,
    Opf043,
    Opf044,
    Opf045,
    Opf048,
    Opf049,
    Opf050,
    Opf053,
    Opf054,
    Opf055,
    Opf072,
    Opf074,
    Opf085,
    Htm014,
    Htm014a,
    Rsc006,
    Rsc007,
    Rsc008,
    Rsc009,
    Rsc010,
    Rsc011,
    Rsc012,
    Rsc016,
    Rsc020,
    Opf014,
    Opf015,
    Opf018,
    Htm003,
    Htm004,
    Htm017,
    Htm045,
    Htm046,
    Htm047,
    Scp004,
    Nav010,
    Nav011,
    Ncx001,
    Ncx002,
    Ncx004,
    Ncx006,
    Epub001,
    Epub002,
    Epub003,
    Epub004,
    Epub005,
    Epub006,
    Epub007,
    Zip001,
    Zip002,
    Cbz001,
    Img001,
    Pdf001,
    Pdf002,
    File001,
    File002,
    A11y001,
    A11y002,
    A11y003,
    A11y004,
    A11y005,
    A11y006,
    A11y007,
}

impl FindingId {
    /// All ids, in the order of the docs.
    pub const ALL: [Self; COUNT] = {
        let mut all = [Self::Pkg005; COUNT];
        let mut at = 0;
        while at < COUNT {
            all[at] = RULES[at].id;
            at += 1;
        }
        all
    };

    const fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }

    /// The id in JSON and in the docs: `OPF-049`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.rule().name
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.rule().severity
    }

    /// What it means: a sentence for the docs.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.rule().meaning
    }

    /// What a publisher should do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        self.rule().hint
    }

    /// The section of the specification that it comes from.
    #[must_use]
    pub const fn source(self) -> &'static str {
        self.rule().source
    }

    /// Whether epubcheck has the id, too.
    #[must_use]
    pub fn is_of_epubcheck(self) -> bool {
        let prefix = self.as_str().split('-').next().unwrap_or_default();
        matches!(
            prefix,
            "PKG" | "OPF" | "RSC" | "NCX" | "NAV" | "HTM" | "SCP"
        )
    }
}

impl Serialize for FindingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let mut all = Self::ALL.into_iter();
        let found = all.find(|id| id.as_str() == name);
        found.ok_or_else(|| de::Error::custom(format!("unknown finding id {name:?}")))
    }
}
