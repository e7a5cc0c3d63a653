//! XML as a source of rows: each element of one name is a row, its attributes and the elements in
//! it the columns.
//!
//! A column is named by the way to it from the row: `@id` for an attribute, `address/city` for an
//! element in an element, `address/@kind`. Prefixes are left out. Only the five entities of XML
//! itself and characters by number are read: a document that declares entities of its own is
//! refused, so none can grow beyond its file.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::block::RECORD_BYTES;
use super::columns::ColumnMap;
use super::compression::expanded;
use super::error::IngestError;
use super::file::DeliveredFile;
use super::pushed::{Ended, PushedSource, RowSender, Whole};
use super::record::count_line_ends;
use super::rules::{Cell, Rule};
use super::transcode::Transcoder;
use crate::contract::{DataContract, Elements};

/// Bytes in which an XML declaration stands.
const DECLARATION_BYTES: u64 = 256;

/// Rows by which the columns of a document are told.
const N_FIRST_ROWS: u64 = 1000;

/// Opens a document. Its columns are the contract's and those that its first rows give.
pub(crate) fn open(
    path: &Path,
    contract: &DataContract,
    elements: &Elements,
) -> Result<PushedSource, IngestError> {
    let mut names = Names::default();
    match Document::open(path, elements)?.read(&mut names) {
        Ok(()) | Err(Ended::Hung) => {}
        Err(Ended::Failed(error)) => return Err(error),
    }
    let columns = Arc::new(ColumnMap::of_fields(path, names.found, contract));
    let document = Document::open(path, elements)?;
    let (progress, file) = (document.file.clone(), document.file.clone());
    let whole = Whole {
        name: file.name(),
        n_bytes: Box::new(move || progress.n_bytes()),
        digest: Box::new(move || file.finish()),
    };
    Ok(PushedSource::start(columns, whole, move |rows| {
        document.read(rows)
    }))
}

/// Takes in the rows of a document.
trait Rows {
    fn begin(&mut self, line: u64) -> Result<(), Ended>;
    fn put(&mut self, name: &str, text: &str);
    fn fail(&mut self);
}

impl Rows for RowSender {
    fn begin(&mut self, line: u64) -> Result<(), Ended> {
        Ok(RowSender::begin(self, line)?)
    }

    fn put(&mut self, name: &str, text: &str) {
        self.put_named(name, Cell::Text(text.as_bytes()));
    }

    fn fail(&mut self) {
        RowSender::fail(self, Rule::Malformed);
    }
}

/// The names that the first rows give.
#[derive(Default)]
struct Names {
    n_rows: u64,
    found: BTreeSet<String>,
}

impl Rows for Names {
    fn begin(&mut self, _line: u64) -> Result<(), Ended> {
        self.n_rows += 1;
        if self.n_rows > N_FIRST_ROWS {
            return Err(Ended::Hung);
        }
        Ok(())
    }

    fn put(&mut self, name: &str, _text: &str) {
        self.found.insert(name.to_owned());
    }

    fn fail(&mut self) {}
}

struct Document {
    file: DeliveredFile,
    row: String,
    reader: Reader<Counted>,
}

impl Document {
    fn open(path: &Path, elements: &Elements) -> Result<Self, IngestError> {
        let file = DeliveredFile::open(path)?;
        let (mut content, _) = expanded(&file)?;
        let mut head = Vec::new();
        let look = content
            .by_ref()
            .take(DECLARATION_BYTES)
            .read_to_end(&mut head);
        look.map_err(|_| unfit(&file, "cannot be read to its end"))?;
        let encoding = declared_encoding(&head)
            .ok_or_else(|| unfit(&file, "declares an encoding that is not known"))?;
        let content = io::Cursor::new(head).chain(content);
        let text: Box<dyn Read + Send> = if encoding == UTF_8 {
            Box::new(content)
        } else {
            Box::new(Transcoder::new(content, encoding))
        };
        let mut reader = Reader::from_reader(Counted {
            text: BufReader::new(text),
            line: 1,
            n_since_row: 0,
        });
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Ok(Self {
            file,
            row: elements.row.clone(),
            reader,
        })
    }

    fn read<R: Rows>(mut self, rows: &mut R) -> Result<(), Ended> {
        let mut place = Place::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer);
            let line = self.reader.get_ref().line;
            let event = event.map_err(|_| self.failure(line))?;
            match event {
                Event::Start(element) => {
                    place.n_open += 1;
                    place.n_elements += 1;
                    if !place.in_row {
                        if local_name(&element) != self.row.as_bytes() {
                            continue;
                        }
                        rows.begin(line)?;
                        self.reader.get_mut().n_since_row = 0;
                        (place.in_row, place.n_rows) = (true, place.n_rows + 1);
                    } else {
                        place.enter(&element);
                    }
                    place.put_attributes(&element, rows);
                }
                Event::End(_) => {
                    place.n_open = place.n_open.saturating_sub(1);
                    place.leave(rows);
                }
                Event::Text(text) => match text.xml_content() {
                    Ok(text) => place.text.push_str(&text),
                    Err(_) => place.fail(rows),
                },
                Event::CData(text) => match text.xml_content() {
                    Ok(text) => place.text.push_str(&text),
                    Err(_) => place.fail(rows),
                },
                Event::GeneralRef(name) => match character(&name) {
                    Some(character) => place.text.push(character),
                    None => place.fail(rows),
                },
                Event::DocType(declarations) => {
                    if declarations.windows(8).any(|bytes| bytes == b"<!ENTITY") {
                        return Err(self
                            .unfit("declares entities of its own, which are not read")
                            .into());
                    }
                }
                Event::Eof if place.n_open > 0 => {
                    return Err(self
                        .unfit("is cut short: an element is left open at its end")
                        .into());
                }
                Event::Eof if place.n_rows == 0 && place.n_elements != 1 => {
                    return Err(self
                        .unfit("holds no element of the name that `row` gives")
                        .into());
                }
                Event::Eof => return Ok(()),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn failure(&self, line: u64) -> IngestError {
        if self.reader.get_ref().n_since_row > RECORD_BYTES {
            let file = self.file.name();
            return IngestError::RecordTooLong { file, line };
        }
        IngestError::NotWellFormed {
            file: self.file.name(),
            line,
        }
    }

    fn unfit(&self, what: &'static str) -> IngestError {
        unfit(&self.file, what)
    }
}

fn unfit(file: &DeliveredFile, what: &'static str) -> IngestError {
    IngestError::Unfit {
        file: file.name(),
        what,
    }
}

/// Where in a document its reader is.
#[derive(Default)]
struct Place {
    in_row: bool,
    /// The way from the row.
    path: Vec<String>,
    /// Whether each element on the way holds others.
    holds_elements: Vec<bool>,
    /// The text of the innermost element so far.
    text: String,
    n_open: u64,
    n_elements: u64,
    n_rows: u64,
}

impl Place {
    fn enter(&mut self, element: &BytesStart<'_>) {
        if let Some(holds_elements) = self.holds_elements.last_mut() {
            *holds_elements = true;
        }
        let name = String::from_utf8_lossy(local_name(element)).into_owned();
        self.path.push(name);
        self.holds_elements.push(false);
        self.text.clear();
    }

    fn put_attributes(&mut self, element: &BytesStart<'_>, rows: &mut impl Rows) {
        for attribute in element.attributes() {
            let Ok(attribute) = attribute else {
                return rows.fail();
            };
            let key = attribute.key;
            if key.as_namespace_binding().is_some() {
                continue;
            }
            let Ok(value) = attribute.unescape_value() else {
                return rows.fail();
            };
            let name = String::from_utf8_lossy(key.local_name().into_inner()).into_owned();
            rows.put(&self.name_of(&format!("@{name}")), &value);
        }
    }

    fn name_of(&self, last: &str) -> String {
        let steps = self.path.iter().map(String::as_str);
        steps.chain([last]).collect::<Vec<_>>().join("/")
    }

    fn leave(&mut self, rows: &mut impl Rows) {
        if !self.in_row {
            self.text.clear();
        } else if let Some(holds_elements) = self.holds_elements.pop() {
            let name = self.path.join("/");
            self.path.pop();
            let text = self.text.trim();
            if !holds_elements {
                rows.put(&name, text);
            } else if !text.is_empty() {
                rows.fail();
            }
            self.text.clear();
        } else {
            if !self.text.trim().is_empty() {
                rows.fail();
            }
            self.in_row = false;
            self.text.clear();
        }
    }

    fn fail(&self, rows: &mut impl Rows) {
        if self.in_row {
            rows.fail();
        }
    }
}

fn local_name<'e>(element: &'e BytesStart<'_>) -> &'e [u8] {
    element.local_name().into_inner()
}

/// What a reference stands for, unless it is to an entity that XML itself does not have.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &**reference {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"apos" => Some('\''),
        b"quot" => Some('"'),
        _ => None,
    }
}

/// The encoding a document declares, or shows by its byte order mark; UTF-8 if neither.
fn declared_encoding(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xff, 0xfe, ..] | [b'<', 0, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, b'<', ..] => return Some(UTF_16BE),
        _ => {}
    }
    let declaration = head.split(|&byte| byte == b'>').next().unwrap_or_default();
    let text = String::from_utf8_lossy(declaration);
    let Some((_, rest)) = text.split_once("encoding") else {
        return Some(UTF_8);
    };
    let label = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = label.chars().next()?;
    let label = label.strip_prefix(quote)?.split(quote).next()?;
    Encoding::for_label(label.as_bytes())
}

/// Text that counts its lines, and gives up on a row longer than any should be.
struct Counted {
    text: BufReader<Box<dyn Read + Send>>,
    line: u64,
    n_since_row: usize,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = {
            let available = self.fill_buf()?;
            let n_read = available.len().min(buffer.len());
            buffer[..n_read].copy_from_slice(&available[..n_read]);
            n_read
        };
        self.consume(n_read);
        Ok(n_read)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.n_since_row > RECORD_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        self.line += count_line_ends(&self.text.buffer()[..n_bytes]);
        self.n_since_row += n_bytes;
        self.text.consume(n_bytes);
    }
}

/// The name of most of the first elements below the root of a document, if there are any.
pub(crate) fn most_frequent_element(path: &Path) -> Result<Option<String>, IngestError> {
    let elements = Elements { row: String::new() };
    let mut document = Document::open(path, &elements)?;
    let (mut depth, mut n_below, mut buffer) = (0_u64, 0_u64, Vec::new());
    let mut n_called: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    while n_below < N_FIRST_ROWS {
        buffer.clear();
        document.reader.get_mut().n_since_row = 0;
        match document.reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth == 2 {
                    n_below += 1;
                    let name = String::from_utf8_lossy(local_name(&element)).into_owned();
                    *n_called.entry(name).or_default() += 1;
                }
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let most = n_called
        .into_iter()
        .max_by_key(|(_, n_elements)| *n_elements);
    Ok(most.map(|(name, _)| name))
}
