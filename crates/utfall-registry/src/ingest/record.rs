//! Splitting delimited text into records and cells.
//!
//! A cell is quoted if its first byte is the quote; inside, a doubled quote is one quote, and
//! delimiters and line ends are text. A quote elsewhere is an ordinary character. A record ends
//! at a line end outside quotes: a line feed, a carriage return, or both in that order. A line
//! that begins with the comment mark is no record.

use memchr::{memchr, memchr2, memchr3};

use crate::cell::short_word;

/// Where cells and records end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    /// What begins a line that is no record.
    pub(crate) comment: Option<u8>,
}

impl Marks {
    /// Lines that are each one record and one cell, whatever they hold.
    pub(crate) const LINES: Self = Self {
        delimiter: b'\n',
        quote: None,
        comment: None,
    };

    #[inline]
    fn begins_comment(self, byte: u8) -> bool {
        self.comment == Some(byte)
    }
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
            let Record { start, end, .. } = self.record;
            if start < end && !self.marks.begins_comment(self.bytes[start]) {
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

    /// Ends the record at `end`, the last byte of its line end or the end of the block.
    #[inline]
    fn finish(&mut self, end: usize) -> usize {
        self.next = end + 1;
        self.line += 1;
        let at_return = end > self.record.start
            && self.bytes[end - 1] == b'\r'
            && self.bytes.get(end) == Some(&b'\n');
        self.record.end = if at_return { end - 1 } else { end };
        self.record.end
    }

    #[inline]
    fn split_plain(&mut self) {
        self.begin();
        let mut start = self.next;
        for end in self.ends.by_ref() {
            if self.bytes[end] == self.marks.delimiter && self.bytes[end] != b'\n' {
                self.record.push(start, end);
                start = end + 1;
            } else if !is_before_feed(self.bytes, end) {
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
        if self.marks.begins_comment(self.bytes[position]) {
            self.finish(line_end(self.bytes, position).unwrap_or(self.bytes.len()));
            return;
        }
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

/// Whether a carriage return stands at `position` and a line feed after it.
#[inline]
fn is_before_feed(bytes: &[u8], position: usize) -> bool {
    bytes[position] == b'\r' && bytes.get(position + 1) == Some(&b'\n')
}

/// Position of the last byte of the line end at or after `from`.
pub(crate) fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let end = from + memchr2(b'\n', b'\r', &bytes[from..])?;
    Some(end + usize::from(is_before_feed(bytes, end)))
}

/// Line ends in `bytes`: line feeds, and carriage returns without one.
pub(crate) fn count_line_ends(bytes: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let returns = memchr::memchr_iter(b'\r', bytes).filter(|&at| !is_before_feed(bytes, at));
    (feeds + returns.count()) as u64
}

/// Finds delimiters, line feeds and carriage returns, eight bytes at a time.
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
        self.found = zero_bytes(word ^ self.delimiter)
            | zero_bytes(word ^ (ONES * u64::from(b'\n')))
            | zero_bytes(word ^ (ONES * u64::from(b'\r')));
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

    /// Position of the record in its block.
    pub(crate) fn start(&self) -> usize {
        self.start
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

/// The cell that begins at `position`; counts the line ends inside its quotes.
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
        *line += count_line_ends(&bytes[start..end]);
    }
    let found = memchr3(marks.delimiter, b'\n', b'\r', &bytes[from..]);
    let stop = found.map_or(bytes.len(), |found| {
        from + found + usize::from(is_before_feed(bytes, from + found))
    });
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

/// Where the last whole record of `bytes` ends, line end included; `bytes` begins at a record's
/// start and may be continued. `None` if no record ends here.
pub(crate) fn last_record_end(bytes: &[u8], marks: Marks) -> Option<usize> {
    let quote = marks.quote.filter(|&quote| memchr(quote, bytes).is_some());
    let Some(quote) = quote else {
        return memchr::memrchr(b'\n', bytes)
            .or_else(|| memchr::memrchr(b'\r', &bytes[..bytes.len().saturating_sub(1)]))
            .map(|end| end + 1);
    };
    let (mut last, mut line) = (None, 0);
    let mut start = 0;
    while start < bytes.len() {
        let end = if marks.begins_comment(bytes[start]) {
            line_end(bytes, start)
        } else {
            // A line without a quote is a record; only others are taken apart.
            match memchr2(quote, b'\n', &bytes[start..]) {
                None => None,
                Some(found) if bytes[start + found] == b'\n' => Some(start + found),
                Some(_) => record_end(bytes, start, marks, &mut line),
            }
        };
        // A carriage return at the very end may have its line feed still to come.
        let Some(end) = end.filter(|&end| bytes[end] == b'\n' || end + 1 < bytes.len()) else {
            break;
        };
        start = end + 1;
        last = Some(start);
    }
    last
}

/// Position of the last byte of the line end of the record beginning at `start`.
fn record_end(bytes: &[u8], start: usize, marks: Marks, line: &mut u64) -> Option<usize> {
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

/// Where the last `n_records` of `bytes` begin; `None` if there are fewer.
pub(crate) fn last_records(bytes: &[u8], marks: Marks, n_records: usize) -> Option<usize> {
    let mut starts = std::collections::VecDeque::with_capacity(n_records + 1);
    let mut records = Records::new(bytes, marks, 1);
    while let Some(record) = records.advance() {
        starts.push_back(record.start());
        if starts.len() > n_records {
            starts.pop_front();
        }
    }
    starts
        .front()
        .copied()
        .filter(|_| starts.len() == n_records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKS: Marks = Marks {
        delimiter: b';',
        quote: Some(b'"'),
        comment: None,
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
    fn line_ends_of_every_kind_end_a_record_and_are_counted() {
        let found = split("a;b\rc;d\r\n\r\r\n\"e\rf\";g\n\nh\r");
        let cell = |text: &str| text.to_owned();
        assert_eq!(
            found,
            [
                (1, vec![cell("a"), cell("b")], None),
                (2, vec![cell("c"), cell("d")], None),
                (5, vec![cell("e\rf"), cell("g")], None),
                (8, vec![cell("h")], None),
            ]
        );
        assert_eq!(cells("a\rb\r"), cells("a\nb\n"));
    }

    #[test]
    fn a_comment_is_no_record_whatever_quotes_it_holds() {
        let marks = Marks {
            comment: Some(b'#'),
            ..MARKS
        };
        for text in ["#x;\"y\n1;2\n#\n3;#4\n", "#x\n1;2\n#\"\n3;#4\n"] {
            let mut records = Records::new(text.as_bytes(), marks, 1);
            let mut found = Vec::new();
            while let Some(record) = records.advance() {
                found.push((record.line, record.raw().to_vec()));
            }
            assert_eq!(found, [(2, b"1;2".to_vec()), (4, b"3;#4".to_vec())]);
            assert_eq!(last_record_end(text.as_bytes(), marks), Some(text.len()));
        }
    }

    #[test]
    fn the_last_records_are_found_behind_quoted_line_ends() {
        let text = b"a\n\"x\ny\"\n\nz\n";
        assert_eq!(last_records(text, MARKS, 1), Some(9));
        assert_eq!(last_records(text, MARKS, 2), Some(2));
        assert_eq!(last_records(text, MARKS, 4), None);
    }

    #[test]
    fn a_block_is_cut_where_a_record_ends() {
        assert_eq!(last_record_end(b"a;b\rc\r", MARKS), Some(4));
        assert_eq!(last_record_end(b"a;\"b\"\rc\r", MARKS), Some(6));
        assert_eq!(last_record_end(b"a;b\nc", MARKS), Some(4));
        assert_eq!(last_record_end(b"a;\"b\nc", MARKS), None);
        assert_eq!(last_record_end(b"a\nb;\"x\ny\"\nz;\"\n", MARKS), Some(10));
        assert_eq!(last_record_end(b"a;5\" pipe\nb", MARKS), Some(10));
    }

    proptest! {
        #[test]
        fn every_end_is_found_once(bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b'\n'), Just(b';' ^ 0x80), Just(b':'), any::<u8>()], 0..40)) {
            let found: Vec<usize> = Ends::new(&bytes, b';').collect();
            let expected: Vec<usize> = memchr::memchr3_iter(b';', b'\n', b'\r', &bytes).collect();
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
                    let lines = count_line_ends(&text.as_bytes()[..cut]);
                    parts.extend(split(&text[cut..]).into_iter().map(|(line, cells, fault)| (line + lines, cells, fault)));
                    prop_assert_eq!(&parts, &whole);
                }
            }
        }
    }
}
