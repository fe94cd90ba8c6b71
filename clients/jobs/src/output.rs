//! The output: documents for programs, tables and lines for people, progress bars for terminals.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use console::measure_text_width;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::error::Error;

/// Where and how a command reports. Clones share the terminal.
#[derive(Clone)]
pub struct Output {
    /// Print the API's JSON instead of text for people.
    pub is_json: bool,
    bars: MultiProgress,
}

impl Output {
    /// Creates the output of a command.
    pub fn new(is_json: bool) -> Self {
        Self {
            is_json,
            bars: MultiProgress::new(),
        }
    }

    /// Returns whether progress bars are shown: only on a terminal.
    pub fn has_bars(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// Prints a line for people.
    pub fn line(&self, text: &str) -> Result<(), Error> {
        self.print(&clean(text))
    }

    /// Prints several lines for people.
    pub fn lines(&self, lines: impl IntoIterator<Item = String>) -> Result<(), Error> {
        lines.into_iter().try_for_each(|line| self.line(&line))
    }

    /// Prints a document for programs.
    pub fn document(&self, value: &Value) -> Result<(), Error> {
        self.print(&format!("{value:#}"))
    }

    /// Prints a line of JSON for programs.
    pub fn json_line(&self, value: &Value) -> Result<(), Error> {
        self.print(&value.to_string())
    }

    /// Prints a note for people to the error output, above the progress bars.
    pub fn note(&self, text: &str) {
        let print = || {
            for line in text.lines() {
                // Nothing is left to do if even this fails.
                let _ = writeln!(io::stderr(), "{}", clean(line));
            }
        };
        self.bars.suspend(print);
    }

    /// Shows a bar of bytes.
    pub fn byte_bar(&self, label: &str, total: u64) -> ProgressBar {
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        self.bar(label, total, template)
    }

    /// Shows a bar of percent.
    pub fn percent_bar(&self, label: &str) -> ProgressBar {
        self.bar(label, 100, "[{bar:30}] {pos:>3} % {elapsed} {msg}")
    }

    fn bar(&self, label: &str, total: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).expect("the template is valid");
        let bar = self.bars.add(ProgressBar::new(total));
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(clean(label).into_owned());
        bar
    }

    fn print(&self, text: &str) -> Result<(), Error> {
        let print = || {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}").and_then(|()| out.flush())
        };
        self.bars.suspend(print).map_err(Error::Output)
    }
}

/// Replaces control characters, which could rewrite the terminal.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Aligns the columns of a table. The last one is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head = head.iter().map(|&cell| cell.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let align = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| {
            let padding = width - measure_text_width(cell);
            format!("{cell}{}", " ".repeat(padding))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(align).collect()
}

/// Returns a field's value as a cell of a table: `-` for null or a missing field.
pub fn cell(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_by_width_and_not_by_bytes() {
        let rows = [
            vec!["5".to_owned(), "été".to_owned(), "x".to_owned()],
            vec!["1234".to_owned(), "日本語".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["ID", "NAME", "END"], &rows),
            ["ID    NAME    END", "5     été     x", "1234  日本語",]
        );
    }

    #[test]
    fn cells_cannot_move_the_cursor() {
        let rows = [vec!["a\u{1b}[2J\n".to_owned()]];
        assert_eq!(table(&["A"], &rows)[1], "a\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn cell_of_null_is_a_dash() {
        let job = json!({"id": 5, "error": null, "status": "failed"});
        let cells = ["id", "error", "status", "missing"].map(|field| cell(&job, field));
        assert_eq!(cells, ["5", "-", "failed", "-"]);
    }
}
