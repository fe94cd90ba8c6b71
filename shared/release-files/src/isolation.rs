//! Readers whose libraries bound neither their memory nor their time on a hostile input.
//!
//! Each is a plain function from bytes to bytes, so that it can run here or in another process. The
//! caller chooses, with a [`Run`].

use std::io::{self, Read};

use jobs::{Failure, FailureCode};
use serde::{Serialize, de::DeserializeOwned};

use crate::{WorkError, formats, package::nfo_template, progress::Progress};

/// A reader that needs bounds from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Reads a whole PDF.
    Pdf,
    /// Renders an NFO from a user's template.
    Nfo,
    /// Draws the thumbnail of a cover.
    Thumbnail,
}

/// Runs a reader on an input, here or elsewhere, and returns its answer. It looks at the progress
/// for a cancellation.
pub type Run<'r> = &'r dyn Fn(Reader, &mut dyn Read, &dyn Progress) -> Result<Vec<u8>, WorkError>;

impl Reader {
    /// Every reader.
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Nfo, Self::Thumbnail];

    /// The name, as the argument of a process.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "read-pdf",
            Self::Nfo => "render-nfo",
            Self::Thumbnail => "draw-thumbnail",
        }
    }

    /// Reads an input to its end, and returns the answer to it.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn answer(self, input: &mut dyn Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        match self {
            Self::Pdf => to_answer(&Ok(formats::read_pdf(&bytes))),
            Self::Nfo => to_answer(&nfo_template::answer(&bytes)?),
            Self::Thumbnail => to_answer(&Ok(formats::draw_thumbnail(&bytes))),
        }
    }

    /// The failure of a job whose input takes more memory or time than this reader may use.
    #[must_use]
    pub fn too_complex(self) -> Failure {
        match self {
            Self::Pdf => Failure::new(
                FailureCode::FileTooComplex,
                "The PDF takes more memory or time to read than allowed; save it again with \
                 another program.",
            ),
            Self::Nfo => Failure::new(
                FailureCode::TemplateInvalid,
                "The NFO template takes more memory or time to render than allowed; simplify it.",
            ),
            Self::Thumbnail => Failure::new(
                FailureCode::FileTooComplex,
                "It takes more memory or time to draw than allowed.",
            ),
        }
    }
}

/// Runs a reader in this process, without bounds.
///
/// # Errors
/// The input cannot be read.
pub fn in_process(
    reader: Reader,
    input: &mut dyn Read,
    progress: &dyn Progress,
) -> Result<Vec<u8>, WorkError> {
    progress.check_cancelled()?;
    Ok(reader.answer(input)?)
}

/// Asks a reader, and parses its answer.
pub(crate) fn ask<T: DeserializeOwned>(
    run: Run<'_>,
    reader: Reader,
    input: &mut dyn Read,
    progress: &dyn Progress,
) -> Result<T, WorkError> {
    let answer = run(reader, input, progress)?;
    let answer: Result<T, Failure> =
        serde_json::from_slice(&answer).map_err(|_| reader.too_complex())?;
    Ok(answer?)
}

fn to_answer<T: Serialize>(answer: &Result<T, Failure>) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{NoProgress, testing::Recorder};

    #[test]
    fn answer_that_is_not_an_answer_counts_as_too_complex() {
        for answer in [&b""[..], b"{", b"{\"Ok\": 1}", b"\xFF"] {
            let run = |_: Reader, _: &mut dyn Read, _: &dyn Progress| Ok(answer.to_vec());
            let asked: Result<String, _> = ask(&run, Reader::Pdf, &mut io::empty(), &NoProgress);
            assert!(
                matches!(&asked, Err(WorkError::Failed(failure)) if failure.code == FailureCode::FileTooComplex),
                "{asked:?}"
            );
        }
    }

    #[test]
    fn cancelled_job_reads_nothing() {
        let cancelled = Recorder::cancelling_after(0);
        let result = in_process(Reader::Pdf, &mut io::empty(), &cancelled);
        assert!(matches!(result, Err(WorkError::Stopped)));
    }
}
