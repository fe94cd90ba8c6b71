//! The names of an archive's volumes: `name.zip.001`, `name.zip.002` and so on, which `cat` and
//! 7-Zip can join, or `name.zip` for a single file.

use jobs::FailureCode;

use crate::WorkError;

/// The archive among the files of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveVolumes {
    /// The path without `.zip` or `.zip.001`.
    pub stem: String,
    /// The positions of the volumes among the files, in the order of the volumes.
    pub positions: Vec<usize>,
}

/// Finds the archive among files with these paths. Returns `None` if there is none or more than
/// one.
///
/// # Errors
/// [`FailureCode::PackageCorrupt`] if a volume is missing.
pub fn find_archive(paths: &[&str]) -> Result<Option<ArchiveVolumes>, WorkError> {
    let mut volumes: Vec<(&str, usize, usize)> = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        volumes.extend(split(path).map(|(stem, number)| (stem, number, at)));
    }
    volumes.sort_unstable();
    let Some(&(stem, first, _)) = volumes.first() else {
        return Ok(None);
    };
    let numbered = first > 0 || volumes.len() > 1;
    let is_other =
        |(other, number, _): &(&str, usize, usize)| *other != stem || (numbered && *number == 0);
    if volumes.iter().any(is_other) {
        return Ok(None);
    }
    let gap = volumes
        .iter()
        .enumerate()
        .find(|(at, (_, number, _))| *number != at + usize::from(numbered));
    if let Some((at, _)) = gap {
        let missing = volume_name(&format!("{stem}.zip"), at + 1);
        let message = format!(
            "The package is corrupt: its volume {missing} is missing; run `packaging` again, or \
             restore an earlier package."
        );
        return Err(WorkError::failed(FailureCode::PackageCorrupt, message));
    }
    Ok(Some(ArchiveVolumes {
        stem: stem.to_owned(),
        positions: volumes.into_iter().map(|(.., at)| at).collect(),
    }))
}

/// The name of an archive's volume `number`, counted from 1.
#[must_use]
pub fn volume_name(archive: &str, number: usize) -> String {
    format!("{archive}.{number:03}")
}

/// Splits the path of a volume into stem and number. A single-file archive has the number 0.
fn split(path: &str) -> Option<(&str, usize)> {
    let (stem, ending) = path.rsplit_once('.')?;
    if ending.eq_ignore_ascii_case("zip") {
        return Some((stem, 0));
    }
    let number = ending
        .parse()
        .ok()
        .filter(|number| *number > 0 && ending.len() == 3)?;
    let (stem, ending) = stem.rsplit_once('.')?;
    ending.eq_ignore_ascii_case("zip").then_some((stem, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_is_found_with_its_volumes_in_order() {
        let found = |paths: &[&str]| {
            let archive = find_archive(paths).unwrap();
            archive.map(|archive| (archive.stem, archive.positions))
        };
        assert_eq!(
            found(&["a.nfo", "a.zip", "a.sfv"]),
            Some(("a".to_owned(), vec![1]))
        );
        assert_eq!(
            found(&["x/a.ZIP.002", "b", "x/a.zip.001"]),
            Some(("x/a".to_owned(), vec![2, 0]))
        );
        for none in [
            &["a.nfo"][..],
            &["a.zip", "b.zip"],
            &["a.zip", "a.zip.001"],
            &["a.001"],
            &[],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }

    #[test]
    fn missing_volume_is_named() {
        for (paths, missing) in [
            (&["a.zip.002"][..], "a.zip.001"),
            (&["a.zip.001", "a.zip.003"], "a.zip.002"),
        ] {
            let Err(WorkError::Failed(failure)) = find_archive(paths) else {
                panic!("{paths:?}")
            };
            assert_eq!(failure.code, FailureCode::PackageCorrupt);
            assert!(failure.message.contains(missing), "{failure}");
        }
    }
}
