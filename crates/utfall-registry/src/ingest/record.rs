//! Splitting delimited text into records and cells.
//!
//! A cell is quoted if its first byte is the quote; inside, a doubled quote is one quote, and
//! delimiters and line ends are text. A quote elsewhere is an ordinary character. A record ends
//! at a line feed outside quotes; a carriage return before it belongs to the line end.

use memchr::{memchr, memchr2};

use crate::cell::short_word;

/// Where cells and records end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

/// What is wrong with the quotes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuoteFault {
    /// Text follows a closing quote; the cell's position.
    TextAfter(usize),
    /// The last cell's quote is never closed.
    Open(usize),
}

/// Walks through the records of a block that begins and ends at a record's end.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    marks: Marks,
    /// No quote in the block: the common case, in which bytes are looked at once.
    plain: bool,
    ends: Ends<'a>,
    next: usize,
    line: u64,
    record: Record<'a>,
}

/// One record and its cells.
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
    /// Line of the file on which the record begins, from 1.
    pub(crate) line: u64,
    cells: Vec<Span>,
    unescaped: Vec<u8>,
    pub(crate) quote_fault: Option<QuoteFault>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
    unescaped: bool,
}

impl<'a> Records<'a> {
    /// The records of `bytes`, the first of which begins on `first_line`.
    pub(crate) fn new(bytes: &'a [u8], marks: Marks, first_line: u64) -> Self {
        Self {
            bytes,
            marks,
            plain: marks
                .quote
                .is_none_or(|quote| memchr(quote, bytes).is_none()),
            ends: Ends::new(bytes, marks.delimiter),
            next: 0,
            line: first_line,
            record: Record {
                bytes,
                start: 0,
                end: 0,
                line: first_line,
                cells: Vec::new(),
                unescaped: Vec::new(),
                quote_fault: None,
            },
        }
    }

    /// The next record that is not an empty line.
    #[inline]
    pub(crate) fn advance(&mut self) -> Option<&Record<'a>> {
        loop {
            if self.next >= self.bytes.len() {
                return None;
            }
            if self.plain {
                self.split_plain()
            } else {
                self.split_quoted()
            }
            if self.record.start < self.record.end {
                return Some(&self.record);
            }
        }
    }

    #[inline]
    fn begin(&mut self) {
        let record = &mut self.record;
        record.start = self.next;
        record.line = self.line;
        record.cells.clear();
    }

    /// Ends the record at `end`, the position of its line feed or the end of the block.
    #[inline]
    fn finish(&mut self, end: usize) -> usize {
        self.next = end + 1;
        self.line += 1;
        let at_return = end > self.record.start && self.bytes[end - 1] == b'\r';
        self.record.end = if at_return { end - 1 } else { end };
        self.record.end
    }

    #[inline]
    fn split_plain(&mut self) {
        self.begin();
        let mut start = self.next;
        for end in self.ends.by_ref() {
            if self.bytes[end] == self.marks.delimiter {
                self.record.push(start, end);
                start = end + 1;
            } else {
                let end = self.finish(end);
                self.record.push(start, end.max(start));
                return;
            }
        }
        let end = self.finish(self.bytes.len());
        self.record.push(start, end.max(start));
    }

    fn split_quoted(&mut self) {
        self.begin();
        self.record.unescaped.clear();
        self.record.quote_fault = None;
        let mut position = self.next;
        loop {
            let cell = next_cell(self.bytes, position, self.marks, &mut self.line);
            let index = self.record.cells.len();
            if cell.text_after {
                self.record
                    .quote_fault
                    .get_or_insert(QuoteFault::TextAfter(index));
            }
            if cell.open {
                self.record
                    .quote_fault
                    .get_or_insert(QuoteFault::Open(index));
            }
            match cell.after {
                After::Delimiter => {
                    self.record.push_cell(&cell, self.marks.quote);
                    position = cell.stop + 1;
                }
                After::RecordEnd => {
                    let end = self.finish(cell.stop);
                    let last = if cell.quoted {
                        cell
                    } else {
                        Cell {
                            end: end.max(cell.start),
                            ..cell
                        }
                    };
                    self.record.push_cell(&last, self.marks.quote);
                    return;
                }
            }
        }
    }
}

/// Finds delimiters and line feeds, eight bytes at a time.
///
/// Cells are so short that a general search spends its time on starting: this took half as long
/// as `memchr2_iter` on a register of five columns.
struct Ends<'a> {
    bytes: &'a [u8],
    delimiter: u64,
    /// Where the word looked at begins.
    start: usize,
    /// The high bit of each byte of the word that is an end and has not been given.
    found: u64,
}

/// A byte of one in each place of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);

impl<'a> Ends<'a> {
    fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        let delimiter = ONES * u64::from(delimiter);
        let mut ends = Self {
            bytes,
            delimiter,
            start: 0,
            found: 0,
        };
        ends.look();
        ends
    }

    #[inline]
    fn look(&mut self) {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => short_word(rest),
        };
        self.found =
            zero_bytes(word ^ self.delimiter) | zero_bytes(word ^ (ONES * u64::from(b'\n')));
    }
}

/// The high bit of each byte that is zero.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = ONES * 0x7f;
    !(((word & LOW) + LOW) | word | LOW)
}

impl Iterator for Ends<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.start += 8;
            if self.start >= self.bytes.len() {
                return None;
            }
            self.look();
        }
        let end = self.start + (self.found.trailing_zeros() / 8) as usize;
        self.found &= self.found - 1;
        Some(end)
    }
}

impl Record<'_> {
    /// Number of cells.
    #[inline]
    pub(crate) fn n_cells(&self) -> usize {
        self.cells.len()
    }

    /// A cell without its quotes.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &[u8] {
        let span = self.cells[index];
        let bytes = if span.unescaped {
            &self.unescaped
        } else {
            self.bytes
        };
        &bytes[span.start as usize..span.end as usize]
    }

    /// The record as it stands in the file, without its line end.
    #[inline]
    pub(crate) fn raw(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize) {
        self.cells.push(Span {
            start: start as u32,
            end: end as u32,
            unescaped: false,
        });
    }

    fn push_cell(&mut self, cell: &Cell, quote: Option<u8>) {
        let (Some(quote), true) = (quote, cell.doubled) else {
            return self.push(cell.start, cell.end);
        };
        let start = self.unescaped.len();
        let mut bytes = self.bytes[cell.start..cell.end].iter();
        while let Some(&byte) = bytes.next() {
            self.unescaped.push(byte);
            if byte == quote {
                bytes.next();
            }
        }
        let end = self.unescaped.len();
        self.cells.push(Span {
            start: start as u32,
            end: end as u32,
            unescaped: true,
        });
    }
}

enum After {
    Delimiter,
    RecordEnd,
}

/// A cell found by the careful path: its content, and where the search stopped.
struct Cell {
    start: usize,
    end: usize,
    quoted: bool,
    doubled: bool,
    text_after: bool,
    open: bool,
    stop: usize,
    after: After,
}

/// The cell that begins at `position`; counts the line feeds inside its quotes.
fn next_cell(bytes: &[u8], position: usize, marks: Marks, line: &mut u64) -> Cell {
    let quoted = marks
        .quote
        .is_some_and(|quote| bytes.get(position) == Some(&quote));
    let (mut start, mut end, mut doubled, mut open) = (position, position, false, false);
    let mut from = position;
    if let (true, Some(quote)) = (quoted, marks.quote) {
        start = position + 1;
        from = start;
        loop {
            let Some(found) = memchr(quote, &bytes[from..]) else {
                (open, end, from) = (true, bytes.len(), bytes.len());
                break;
            };
            end = from + found;
            from = end + 1;
            if bytes.get(from) != Some(&quote) {
                break;
            }
            doubled = true;
            from += 1;
        }
        *line += memchr::memchr_iter(b'\n', &bytes[start..end]).count() as u64;
    }
    let found = memchr2(marks.delimiter, b'\n', &bytes[from..]);
    let stop = found.map_or(bytes.len(), |found| from + found);
    let delimited = bytes.get(stop) == Some(&marks.delimiter);
    let after = if delimited {
        After::Delimiter
    } else {
        After::RecordEnd
    };
    if !quoted {
        end = stop;
    }
    let between = &bytes[from..stop];
    let text_after = quoted && !(between.is_empty() || (between == b"\r" && !delimited));
    Cell {
        start,
        end,
        quoted,
        doubled,
        text_after,
        open,
        stop,
        after,
    }
}

/// Where the last whole record of `bytes` ends, line feed included; `bytes` begins at a record's
/// start. `None` if no record ends here.
pub(crate) fn last_record_end(bytes: &[u8], marks: Marks) -> Option<usize> {
    let quote = marks.quote.filter(|&quote| memchr(quote, bytes).is_some());
    let Some(quote) = quote else {
        return memchr::memrchr(b'\n', bytes).map(|end| end + 1);
    };
    let (mut last, mut line) = (None, 0);
    let mut start = 0;
    while start < bytes.len() {
        // A line without a quote is a record; only others are taken apart.
        let end = match memchr2(quote, b'\n', &bytes[start..]) {
            None => break,
            Some(found) if bytes[start + found] == b'\n' => start + found,
            Some(_) => match record_end(bytes, start, marks, &mut line) {
                None => break,
                Some(end) => end,
            },
        };
        start = end + 1;
        last = Some(start);
    }
    last
}

/// Position of the line feed that ends the record beginning at `start`.
pub(crate) fn record_end(
    bytes: &[u8],
    start: usize,
    marks: Marks,
    line: &mut u64,
) -> Option<usize> {
    let mut position = start;
    loop {
        let cell = next_cell(bytes, position, marks, line);
        if cell.stop >= bytes.len() {
            return None;
        }
        match cell.after {
            After::Delimiter => position = cell.stop + 1,
            After::RecordEnd => return Some(cell.stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKS: Marks = Marks {
        delimiter: b';',
        quote: Some(b'"'),
    };

    type Split = Vec<(u64, Vec<String>, Option<QuoteFault>)>;

    fn split(text: &str) -> Split {
        let mut records = Records::new(text.as_bytes(), MARKS, 1);
        let mut found = Vec::new();
        while let Some(record) = records.advance() {
            let cells = (0..record.n_cells())
                .map(|i| String::from_utf8(record.cell(i).to_vec()).unwrap())
                .collect();
            found.push((record.line, cells, record.quote_fault));
        }
        found
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        split(text).into_iter().map(|(_, cells, _)| cells).collect()
    }

    #[test]
    fn cells_end_at_delimiters_and_records_at_line_feeds() {
        assert_eq!(
            cells("a;b\r\n;c;\nd"),
            [vec!["a", "b"], vec!["", "c", ""], vec!["d"]]
        );
        assert_eq!(cells("a;b\r\n;c;\nd\n"), cells("a;b\r\n;c;\nd"));
        assert_eq!(cells("a\n\n\r\nb\n"), [vec!["a"], vec!["b"]]);
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn quoted_cells_hold_delimiters_line_ends_and_quotes() {
        assert_eq!(
            split("x;\"a;\"\"b\"\"\r\nc\";\"\"\r\ny;\"z\"\n"),
            [
                (
                    1,
                    vec!["x".into(), "a;\"b\"\r\nc".into(), String::new()],
                    None
                ),
                (3, vec!["y".into(), "z".into()], None),
            ]
        );
    }

    #[test]
    fn a_quote_inside_a_cell_is_a_character() {
        assert_eq!(
            cells("5\" pipe;b\nc;\"d\"\n"),
            [["5\" pipe", "b"], ["c", "d"]]
        );
    }

    #[test]
    fn faulty_quotes_are_told() {
        assert_eq!(split("\"a\"b;c\n")[0].2, Some(QuoteFault::TextAfter(0)));
        assert_eq!(split("a;\"b;c\n")[0].2, Some(QuoteFault::Open(1)));
        let after = split("\"a\"b;c\n\"d\";e\n");
        assert_eq!(after[1], (2, vec!["d".into(), "e".into()], None));
    }

    #[test]
    fn a_block_is_cut_where_a_record_ends() {
        assert_eq!(last_record_end(b"a;b\nc", MARKS), Some(4));
        assert_eq!(last_record_end(b"a;\"b\nc", MARKS), None);
        assert_eq!(last_record_end(b"a\nb;\"x\ny\"\nz;\"\n", MARKS), Some(10));
        assert_eq!(last_record_end(b"a;5\" pipe\nb", MARKS), Some(10));
    }

    proptest! {
        #[test]
        fn every_end_is_found_once(bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b'\n'), Just(b';' ^ 0x80), Just(b':'), any::<u8>()], 0..40)) {
            let found: Vec<usize> = Ends::new(&bytes, b';').collect();
            let expected: Vec<usize> = memchr::memchr2_iter(b';', b'\n', &bytes).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn what_is_quoted_is_read_back(rows in prop::collection::vec(prop::collection::vec("[a;\"\n\r ]{0,6}", 2..4), 1..6)) {
            let text: String = rows.iter().map(|row| {
                let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                cells.join(";") + "\n"
            }).collect();
            prop_assert_eq!(cells(&text), rows);
        }

        #[test]
        fn a_cut_never_changes_the_records(text in "[a;\"\n\r]{0,40}") {
            let whole = split(&text);
            for end in 0..=text.len() {
                if let Some(cut) = last_record_end(&text.as_bytes()[..end], MARKS) {
                    prop_assert!(cut <= end);
                    let mut parts = split(&text[..cut]);
                    let lines = text[..cut].matches('\n').count() as u64;
                    parts.extend(split(&text[cut..]).into_iter().map(|(line, cells, fault)| (line + lines, cells, fault)));
                    prop_assert_eq!(&parts, &whole);
                }
            }
        }
    }
}
