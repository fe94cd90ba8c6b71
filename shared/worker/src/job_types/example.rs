//! `wordcount`: the example of docs/adding-a-job-type.md, compiled and run by the test below.

use jobs::{Fields, JobConfig, release::SourcePath};
use serde_json::json;
use store::Completion;

use super::{Task, blocking, failed, some};
use crate::objects::Store;
use crate::service::WorkError;

/// Which file's words are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct WordcountConfig {
    /// The source file; without one, the first.
    pub path: Option<SourcePath>,
}

impl JobConfig for WordcountConfig {
    fn read(fields: &mut Fields) -> Self {
        Self {
            path: fields.parsed("path"),
        }
    }

    fn changes_release(&self) -> bool {
        false
    }
}

jobs::job_types! {
    /// Counts the words of a text.
    Wordcount(WordcountConfig) = "wordcount",
}

pub(super) async fn run(task: Task, config: &WordcountConfig) -> Result<Completion, WorkError> {
    let sources = some(task.placed_sources().await?)?;
    let wanted = |path: &str| {
        config
            .path
            .as_ref()
            .is_none_or(|wanted| wanted.as_str() == path)
    };
    let source = sources.into_iter().find(|source| wanted(&source.path));
    let source = source.ok_or_else(|| {
        failed(
            "source_missing",
            "The release has no source file of this path",
        )
    })?;
    let report = task.assignment.report.clone();
    report.step("count");
    report.message(&format!("Counting the words of {}", source.path));
    let store = Store::new(&task.files, report);
    let words = blocking(move || count(store.open(&source.file))).await?;
    Ok(Completion::of(json!({ "words": words })))
}

fn count(mut file: impl std::io::Read) -> Result<u64, release_files::failure::WorkError> {
    let (mut words, mut in_word, mut block) = (0, false, vec![0; 64 * 1024]);
    loop {
        let bytes = file.read(&mut block)?;
        if bytes == 0 {
            return Ok(words);
        }
        for byte in &block[..bytes] {
            let starts = !in_word && !byte.is_ascii_whitespace();
            words += u64::from(starts);
            in_word = !byte.is_ascii_whitespace();
        }
    }
}

mod tests {
    use std::path::Path;

    use jobs::JobType::Analysis;

    use super::*;
    use crate::job_types::world::World;

    #[tokio::test]
    async fn a_new_job_type_is_a_module_and_a_line() {
        let mut world = World::new(json!({})).await;
        world.source("a.txt", b"one two  three");
        world.source("b.txt", b"four\n");
        for (config, words) in [(json!({}), 3), (json!({"path": "b.txt"}), 1)] {
            let Config::Wordcount(config) =
                Config::parse(JobType::Wordcount, config.as_object().unwrap()).unwrap();
            let task = world.task(Analysis).await;
            assert_eq!(
                run(task, &config).await.unwrap().result,
                json!({"words": words})
            );
        }
        let typo = Config::parse(
            JobType::Wordcount,
            json!({"paht": "b.txt"}).as_object().unwrap(),
        )
        .unwrap_err();
        assert_eq!(typo[0].field, "config_json.paht");
    }

    #[test]
    fn the_example_is_what_the_documentation_shows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(root.join("../../docs/adding-a-job-type.md")).unwrap();
        let code = std::fs::read_to_string(root.join("src/job_types/example.rs")).unwrap();
        let blocks: Vec<&str> = page
            .split("```rust\n")
            .skip(1)
            .map(|block| block.split("```").next().unwrap())
            .collect();
        assert_eq!(blocks.len(), 3);
        for block in blocks {
            assert!(code.contains(block), "not in the example:\n{block}");
        }
    }
}
