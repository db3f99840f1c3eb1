//! CSV files as records of texts, by the rules of Spark's reader. It knows no types and no columns.

/// How records are written.
#[derive(Debug, Clone)]
pub struct CsvOptions {
    pub has_header: bool,
    pub delimiter: Vec<u8>,
    pub quote: Option<u8>,
    /// What takes the meaning from a quote inside quotes; a quote does so too.
    pub escape: Option<u8>,
    /// Lines that begin with it are passed over.
    pub comment: Option<u8>,
    /// Whether a line may end inside quotes.
    pub is_multi_line: bool,
    pub trims_start: bool,
    pub trims_end: bool,
    /// The text that is NULL.
    pub null: String,
    /// What an empty text in quotes is.
    pub empty: String,
    /// Lines before the header.
    pub skipped_lines: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            has_header: false,
            delimiter: b",".to_vec(),
            quote: Some(b'"'),
            escape: Some(b'\\'),
            comment: None,
            is_multi_line: false,
            trims_start: false,
            trims_end: false,
            null: String::new(),
            empty: String::new(),
            skipped_lines: 0,
        }
    }
}

/// One record, taken apart; kept to be filled again.
#[derive(Debug, Default)]
pub struct Record {
    text: Vec<u8>,
    /// Where each field ends in the text, and whether it was quoted.
    fields: Vec<(usize, bool)>,
    /// A quote did not close.
    pub is_broken: bool,
}

impl Record {
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Nothing stands in the line.
    pub fn is_blank(&self) -> bool {
        matches!(self.fields.as_slice(), [(0, false)])
    }

    /// The bytes of a field, and whether it was quoted.
    pub fn field(&self, at: usize) -> Option<(&[u8], bool)> {
        let (end, is_quoted) = *self.fields.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => self.fields.get(before)?.0,
            None => 0,
        };
        Some((self.text.get(start..end)?, is_quoted))
    }

    fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
        self.is_broken = false;
    }

    fn end_field(&mut self, start: usize, is_quoted: bool, trims: bool) {
        if trims && !is_quoted {
            while self.text.len() > start && self.text.last().is_some_and(u8::is_ascii_whitespace) {
                self.text.pop();
            }
        }
        self.fields.push((self.text.len(), is_quoted));
    }
}

/// What stopped a run of plain bytes.
enum Stop {
    Field,
    Record,
    /// More bytes are needed to tell.
    Unknown,
}

impl CsvOptions {
    /// Reads the first record of `bytes`; how many bytes it took, or `None` when it does not end in them and
    /// more may come.
    pub fn read(&self, bytes: &[u8], is_last: bool, record: &mut Record) -> Option<usize> {
        record.clear();
        let mut at = 0;
        loop {
            let start = record.text.len();
            if self.trims_start {
                at += bytes.get(at..)?.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            }
            let is_quoted = self.quote.is_some() && bytes.get(at).copied() == self.quote;
            if is_quoted {
                at = self.quoted(bytes, at + 1, is_last, record)?;
            }
            match self.plain(bytes, &mut at, is_last, record) {
                Stop::Unknown => return None,
                Stop::Field => record.end_field(start, is_quoted, self.trims_end),
                Stop::Record => {
                    record.end_field(start, is_quoted, self.trims_end);
                    return Some(at);
                }
            }
        }
    }

    /// Whether a record that begins here is a comment.
    pub fn is_comment(&self, bytes: &[u8]) -> bool {
        self.comment.is_some() && bytes.first().copied() == self.comment
    }

    /// The rest of a field in quotes; where it ends. A line that ends inside is taken for the record's end.
    fn quoted(
        &self,
        bytes: &[u8],
        mut at: usize,
        is_last: bool,
        record: &mut Record,
    ) -> Option<usize> {
        let quote = self.quote?;
        loop {
            let rest = bytes.get(at..)?;
            let is_special = |b: &u8| {
                *b == quote || Some(*b) == self.escape || *b == b'\n' && !self.is_multi_line
            };
            let run = rest.iter().position(is_special).unwrap_or(rest.len());
            record.text.extend_from_slice(rest.get(..run)?);
            at += run;
            let next = bytes.get(at + 1).copied();
            match bytes.get(at).copied() {
                None if is_last => {
                    record.is_broken = true;
                    return Some(at);
                }
                None => return None,
                Some(b'\n') => {
                    record.is_broken = true;
                    return Some(at);
                }
                Some(_) if next.is_none() && !is_last => return None,
                // An escape, or a quote that is doubled.
                Some(_) if next == Some(quote) => {
                    record.text.push(quote);
                    at += 2;
                }
                Some(special) if special == quote => return Some(at + 1),
                Some(special) => {
                    record.text.push(special);
                    at += if next == Some(special) { 2 } else { 1 };
                }
            }
        }
    }

    /// Bytes without quotes up to the end of the field, which is passed.
    fn plain(&self, bytes: &[u8], at: &mut usize, is_last: bool, record: &mut Record) -> Stop {
        let first = self.delimiter.first().copied().unwrap_or(b',');
        loop {
            let rest = bytes.get(*at..).unwrap_or_default();
            let run = rest
                .iter()
                .position(|b| *b == first || *b == b'\n' || *b == b'\r')
                .unwrap_or(rest.len());
            let (plain, rest) = rest.split_at(run);
            record.text.extend_from_slice(plain);
            *at += run;
            let stop = match rest {
                [] if is_last => return Stop::Record,
                [] => return Stop::Unknown,
                [b'\n', ..] => (Stop::Record, 1),
                [b'\r', b'\n', ..] => (Stop::Record, 2),
                [b'\r'] if !is_last => return Stop::Unknown,
                [b'\r', ..] => (Stop::Record, 1),
                rest if rest.starts_with(&self.delimiter) => (Stop::Field, self.delimiter.len()),
                rest if rest.len() < self.delimiter.len() && !is_last => return Stop::Unknown,
                [other, ..] => {
                    record.text.push(*other);
                    *at += 1;
                    continue;
                }
            };
            *at += stop.1;
            return stop.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(options: &CsvOptions, text: &str, step: usize) -> Vec<(Vec<String>, bool)> {
        let mut records = Vec::new();
        let (mut start, mut end) = (0, step.min(text.len()));
        let mut record = Record::default();
        let bytes = text.as_bytes();
        while start < bytes.len() {
            let is_last = end == bytes.len();
            match options.read(&bytes[start..end], is_last, &mut record) {
                Some(taken) => {
                    let fields = (0..record.len())
                        .map(|at| String::from_utf8(record.field(at).unwrap().0.to_vec()).unwrap());
                    records.push((fields.collect(), record.is_broken));
                    start += taken;
                }
                None => end = (end + step).min(bytes.len()),
            }
        }
        records
    }

    fn all_steps(options: &CsvOptions, text: &str, expected: &[&[&str]]) {
        for step in 1..=text.len() {
            let found = records(options, text, step);
            assert!(found.iter().all(|(_, is_broken)| !is_broken), "{text:?} by {step}");
            let found: Vec<Vec<String>> = found.into_iter().map(|(fields, _)| fields).collect();
            assert_eq!(found, expected, "{text:?} by {step}");
        }
    }

    #[test]
    fn records_are_the_same_however_bytes_come() {
        let plain = CsvOptions::default();
        all_steps(&plain, "a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
        all_steps(&plain, "a,b\r\n1,", &[&["a", "b"], &["1", ""]]);
        all_steps(&plain, "\"a,\"\"b\"\"\",\"\\\"\",x\"y\n", &[&["a,\"b\"", "\"", "x\"y"]]);
        all_steps(&plain, "\"a\\\\\",\"\\n\"\n", &[&["a\\", "\\n"]]);
        let wide = CsvOptions { delimiter: b"||".to_vec(), ..CsvOptions::default() };
        all_steps(&wide, "a|b||c\n", &[&["a|b", "c"]]);
        let lines = CsvOptions { is_multi_line: true, ..CsvOptions::default() };
        all_steps(&lines, "\"a\nb\",c\n", &[&["a\nb", "c"]]);
        let trimmed = CsvOptions { trims_start: true, trims_end: true, ..CsvOptions::default() };
        all_steps(&trimmed, " a , b\n", &[&["a", "b"]]);
    }

    #[test]
    fn a_quote_that_does_not_close_breaks_its_line_alone() {
        let found = records(&CsvOptions::default(), "\"a,b\nc,d\n", 100);
        assert_eq!(found[0], (vec!["a,b".to_owned()], true));
        assert_eq!(found[1], (vec!["c".to_owned(), "d".to_owned()], false));
    }
}
