//! `packaging`: builds the release's package: archive, NFO, DIZ, SFV.

use jobs::{Failure, GeneratedFile, Level, PackagingConfig, release::MAX_METADATA_BYTES};
use release_files::{
    WorkError,
    formats::{self, Description, Format, MAX_DESCRIBED_BYTES},
    isolation::Run,
    package::{NameSources, archive_builder::ArchiveBuilder, build_release_name, source_stem},
};
use serde_json::{Map, Value, json};
use store::Completion;

use super::{
    Task, book_source,
    build::{ArchiveVolumes, Book, BuiltPackage, PackageBuild, build_package, describes_book},
    checkpoint::Checkpoints,
    completed, counted, is_complete, require_sources,
    result_size::fit,
    says_something,
    time_budget::{PackProgress, TimeBudget},
    to_object,
};
use crate::{
    files::StoredFile, job_progress::JobProgress, objects::ObjectStore, reporter::Reporter,
};

/// Progress once the metadata is known, in percent.
const METADATA_READ: u8 = 20;

pub(super) async fn run(task: Task, config: PackagingConfig) -> Result<Completion, WorkError> {
    let reporter = task.assignment.reporter.clone();
    let sources = require_sources(task.sources().await?)?;
    let objects = ObjectStore::new(&task.files, reporter.clone());
    build_package(task, &sources.clone(), move |task, checkpoints| {
        let packaging = Packaging {
            task,
            sources,
            config,
            reporter,
            objects,
        };
        packaging.run(checkpoints)
    })
    .await
}

/// The packaging of one release.
struct Packaging {
    task: Task,
    sources: Vec<StoredFile>,
    config: PackagingConfig,
    reporter: Reporter,
    objects: ObjectStore,
}

/// The source file that completes the release's metadata, and what it says.
struct Source<'a> {
    file: &'a StoredFile,
    book: Book,
}

impl Packaging {
    fn run(self, checkpoints: Checkpoints) -> Result<BuiltPackage, WorkError> {
        self.reporter.step("metadata");
        let Source { book, file } = self.source()?;
        let group = self.task.group(&self.config);
        let (release_name, origin) = self.release_name(&book.metadata, file, group)?;
        let count = self.sources.len();
        let files = counted(count, "file");
        let line = format!("Packaging {files} as {release_name}{origin}");
        self.reporter.log(Level::Info, &line);
        let total = self.sources.iter().map(|file| file.size).sum();
        let config = self.config.clone();
        let mut build = PackageBuild::new(&self.task, config, &release_name, checkpoints)?;
        build.write_archive(METADATA_READ, (count, total), |archive, start| {
            self.fill(archive, start)
        })?;
        build.finish(group, book)
    }

    /// Adds the source files after `start`. Returns the progress reached if there is no time for
    /// the next file, and `None` at the end.
    fn fill(
        &self,
        archive: &mut ArchiveBuilder<'_, ArchiveVolumes>,
        start: PackProgress,
    ) -> Result<Option<PackProgress>, WorkError> {
        let budget = TimeBudget::new(&self.reporter, start);
        let mut progress = start;
        for file in &self.sources[start.files..] {
            if !budget.has_time_for(file.size, progress) {
                return Ok(Some(progress));
            }
            let path = self.task.source_path(file);
            archive.add_file(path, file.size, &mut self.objects.open_whole(file))?;
            progress = progress.after(file.size);
            let count = self.sources.len();
            let message = format!("Compressed {} of {count} files", progress.files);
            self.reporter.message(&message);
        }
        Ok(None)
    }

    /// Returns the configured name, or else one built from the metadata, the release's name or the
    /// name of the book's file; and the end of its log line, which says which.
    fn release_name(
        &self,
        metadata: &Map<String, Value>,
        file: &StoredFile,
        group: &str,
    ) -> Result<(String, String), WorkError> {
        if let Some(name) = &self.config.release_name {
            return Ok((name.clone(), String::new()));
        }
        let sources = NameSources {
            metadata,
            release: self.task.release.name.as_deref(),
            file_stem: Some(source_stem(self.task.source_path(file))),
        };
        let built = build_release_name(&sources, group)?;
        let origin = format!(", named after {}", built.named_after.as_str());
        Ok((built.name, origin))
    }

    /// Returns the likeliest book among the source files, with the release's metadata, which its own
    /// complete. If no file can be read, the release must have a title or a name.
    fn source(&self) -> Result<Source<'_>, WorkError> {
        let known = self.task.release.metadata.clone();
        let candidates = self.candidates();
        let unread = Source {
            file: candidates[0],
            book: Book::default(),
        };
        let mut failures = Vec::new();
        let is_complete = is_complete(&known) && !describes_book(&self.config);
        // Of a release whose metadata say all, only the first file says more.
        let read = if is_complete {
            &candidates[..1]
        } else {
            &candidates
        };
        let mut source = if is_complete && !self.is_small_book(candidates[0]) {
            unread
        } else {
            match self.read_book(read, &known, &mut failures)? {
                Some(source) => source,
                None if self.is_named(&known) => unread,
                None => return Err(WorkError::Failed(failures.remove(0).1)),
            }
        };
        for (file, failure) in failures {
            let (path, why) = (self.task.source_path(file), failure.log_line());
            let line = format!("The metadata of {path} is not used: {why}");
            self.reporter.log(Level::Warning, &line);
        }
        source.book.metadata = completed(known, source.book.metadata);
        Ok(source)
    }

    /// Returns whether the NFO says how much there is of the book in a file, which takes a request.
    fn is_small_book(&self, file: &StoredFile) -> bool {
        file.size <= MAX_DESCRIBED_BYTES
            && book_source::may_be_book(self.task.source_path(file))
            && self.config.generates(GeneratedFile::Nfo)
    }

    /// Returns whether the package has a name without the metadata of a source file.
    fn is_named(&self, known: &Map<String, Value>) -> bool {
        has_title(known) || self.task.release.name.is_some() || self.config.release_name.is_some()
    }

    /// Returns the source files that may be the book, the likeliest first.
    fn candidates(&self) -> Vec<&StoredFile> {
        let sources = self.sources.iter();
        let paths: Vec<&str> = sources.map(|file| self.task.source_path(file)).collect();
        let positions = book_source::candidates(&paths).into_iter();
        positions.map(|at| &self.sources[at]).collect()
    }

    /// Reads the first of these files that is a book and has the title that the release lacks, or
    /// else the first book, the first source file, or any other. Returns `None` if none can be
    /// read, and adds those to `failures`.
    fn read_book<'a>(
        &self,
        candidates: &[&'a StoredFile],
        known: &Map<String, Value>,
        failures: &mut Vec<(&'a StoredFile, Failure)>,
    ) -> Result<Option<Source<'a>>, WorkError> {
        let (mut untitled, mut other) = (None, None);
        for &file in candidates {
            match self.describe(file) {
                Ok((book, format)) => {
                    let source = Source { file, book };
                    if book_source::is_book(self.task.source_path(file), format) {
                        if has_title(known) || has_title(&source.book.metadata) {
                            return Ok(Some(source));
                        }
                        untitled = untitled.or(Some(source));
                    } else if other.is_none() || file.key == self.sources[0].key {
                        other = Some(source);
                    }
                }
                Err(WorkError::Failed(failure)) => failures.push((file, failure)),
                Err(error) => return Err(error),
            }
        }
        Ok(untitled.or(other))
    }

    fn describe(&self, file: &StoredFile) -> Result<(Book, Format), WorkError> {
        let mut progress = JobProgress::new(self.reporter.clone(), 1, METADATA_READ);
        let path = self.task.source_path(file);
        let mut content = self.objects.open(file);
        let isolation = &self.task.isolation;
        let run: Run = &|reader, input, progress| isolation.run(reader, input, progress);
        let Description {
            metadata,
            format,
            accessibility,
            extent,
        } = formats::describe(&mut content, path, file.size, run, &mut progress)?;
        let mut metadata = to_object(&metadata)?;
        metadata.insert("format".to_owned(), json!(format));
        // The NFO shows them.
        fit(&mut metadata, MAX_METADATA_BYTES);
        let book = Book {
            metadata,
            accessibility,
            extent,
        };
        Ok((book, format))
    }
}

fn has_title(metadata: &Map<String, Value>) -> bool {
    metadata.get("title").is_some_and(says_something)
}

#[cfg(test)]
#[path = "packaging_tests.rs"]
mod tests;
