//! Counts lines.

/// Counts the lines of a document that is read from its start to its end.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    /// Begins at the first line.
    pub const fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line of a position that is not before the last one, in bytes.
    pub fn line_at(&mut self, position: u64) -> u64 {
        let end = usize::try_from(position).unwrap_or(usize::MAX);
        let passed = self.text.as_bytes().get(self.at..end);
        if let Some(passed) = passed {
            let breaks = passed.split(|byte| *byte == b'\n').count() - 1;
            self.line += breaks as u64;
            self.at = end;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let mut lines = Lines::new("a\nb\n\nc");
        for (position, line) in [(0, 1), (1, 1), (2, 2), (5, 4), (5, 4), (99, 4)] {
            assert_eq!(lines.line_at(position), line, "{position}");
        }
    }
}
