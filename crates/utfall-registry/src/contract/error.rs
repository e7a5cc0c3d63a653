//! Why a data contract cannot be used, and where.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode};

/// Why a data contract cannot be used, with its place.
///
/// Every message reads on from "cannot use the data contract:". The diagnostic carries the text
/// of the contract, so that a terminal can show the line.
#[derive(Debug, Clone)]
pub struct DataContractError {
    source_name: String,
    text: String,
    span: std::ops::Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Syntax(String),
    Fault(ContractFault),
}

/// What makes a data contract unsound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractFault {
    /// The file is of another kind or version.
    #[error("schema `{found}`, expected `{expected}`")]
    Schema {
        /// What is written.
        found: String,
        /// What this version reads.
        expected: &'static str,
    },
    /// The extract's name cannot be a folder's.
    #[error("the name `{found}` holds other characters than a-z, 0-9, `-` and `_`")]
    Name {
        /// What is written.
        found: String,
    },
    /// Text without a dialect.
    #[error(
        "a text extract needs a [dialect] with encoding, decimal and date, and delimiter and quote if it is CSV"
    )]
    NoDialect,
    /// A section that another format needs.
    #[error("[{section}] means nothing in a {format} extract")]
    NotForThisFormat {
        /// The section.
        section: &'static str,
        /// The contract's format.
        format: &'static str,
    },
    /// A section that is not there.
    #[error("a {format} extract needs a section [{section}]")]
    NoSection {
        /// The section.
        section: &'static str,
        /// The contract's format.
        format: &'static str,
    },
    /// A key of the dialect that another format needs.
    #[error("`{key}` means nothing in a {format} extract")]
    NotInDialect {
        /// The key.
        key: &'static str,
        /// The contract's format.
        format: &'static str,
    },
    /// A key of the dialect that is not there.
    #[error("the dialect of a {format} extract needs `{key}`")]
    MissingInDialect {
        /// The key.
        key: &'static str,
        /// The contract's format.
        format: &'static str,
    },
    /// A place that is counted from 1.
    #[error("0, expected a place or a width from 1")]
    FromOne,
    /// One mark with two meanings.
    #[error("quote and delimiter are the same mark")]
    QuoteIsDelimiter,
    /// One mark with two meanings.
    #[error("the comment mark is also the delimiter or the quote")]
    CommentIsMark,
    /// One mark with two meanings.
    #[error("thousands and decimals are separated by the same mark")]
    ThousandsAreDecimals,
    /// No column at all.
    #[error("no [[column]]")]
    NoColumns,
    /// No key.
    #[error("the key is empty, expected the columns that tell two rows of a delivery apart")]
    NoKey,
    /// A name used twice.
    #[error("column `{name}` is named twice")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A name that no column has.
    #[error("there is no column `{name}`, expected one of {}", quoted(known))]
    UnknownColumn {
        /// What is written.
        name: String,
        /// The columns in the table.
        known: Vec<String>,
    },
    /// A field that means nothing for the column's type.
    #[error("`{field}` is only for columns of type {kinds}")]
    NotForThisType {
        /// The field.
        field: &'static str,
        /// The types it is for.
        kinds: &'static str,
    },
    /// Decimals missing or too many.
    #[error("{} decimals, expected `decimals` between 0 and {most}", found.map_or("no".to_owned(), |n| n.to_string()))]
    Decimals {
        /// What is written.
        found: Option<u8>,
        /// Most that are kept.
        most: u8,
    },
    /// The code list is empty or repeats itself.
    #[error("the codes are missing, empty or repeated, expected a list of distinct codes")]
    Codes,
    /// A bound that is no value of the column.
    #[error(
        "the bound `{found}` is no {kind} in canonical form, such as `12`, `1234.5` or `2024-01-31`"
    )]
    Bound {
        /// What is written.
        found: String,
        /// The column's type.
        kind: &'static str,
    },
    /// A range that holds no value.
    #[error("the maximum lies below the minimum")]
    EmptyRange,
    /// A missing code that is empty, padded or written twice.
    #[error(
        "the missing code `{code}` is empty, padded with blanks or written twice; an empty cell is always missing"
    )]
    MissingCode {
        /// What is written.
        code: String,
    },
    /// Two columns that have no order.
    #[error(
        "the two columns have no order, expected two dates or two numbers of the same decimals"
    )]
    NotComparable,
    /// A column that should hold dates.
    #[error("the column is no date, expected one of type date")]
    NoDateColumn,
    /// A list of codes in two ways.
    #[error("both `codes` and `code` are given, expected one list of codes")]
    TwoCodeLists,
    /// Codes with dates and nothing to compare them with.
    #[error("codes have dates, but `codes-at` names no date column by which they are valid")]
    UndatedCodes,
    /// A file of codes that cannot be used.
    #[error("cannot use the code file `{file}`: {found}")]
    CodeFile {
        /// The file as written.
        file: String,
        /// What is wrong.
        found: String,
    },
    /// A pattern that is none.
    #[error("the pattern is no regular expression, or one too large")]
    Pattern,
    /// Spellings of yes and no that cannot be told apart.
    #[error("the spellings of true and false are empty, padded with blanks or not distinct")]
    Spelling,
    /// A field that means nothing for the rule's kind.
    #[error(
        "`{field}` means nothing for this kind of rule, which takes {}",
        quoted_static(fields)
    )]
    NotForThisRule {
        /// The field.
        field: &'static str,
        /// The fields it takes.
        fields: &'static [&'static str],
    },
    /// A field that the rule's kind needs.
    #[error("the rule lacks `{field}`; its kind takes {}", quoted_static(fields))]
    RuleNeeds {
        /// The field.
        field: &'static str,
        /// The fields it takes.
        fields: &'static [&'static str],
    },
    /// An id that cannot be one.
    #[error("`{id}` is no id of a rule: it is empty, padded with blanks or holds `|`")]
    RuleId {
        /// What is written.
        id: String,
    },
    /// Two rules of one id.
    #[error("two rules have the id `{id}`, give each an `id` of its own")]
    DuplicateRule {
        /// The id.
        id: String,
    },
    /// A judgement of a rule that is not there.
    #[error(
        "there is no rule `{id}`, expected the id of a rule the contract declares, or one of a column's such as {}",
        quoted(known)
    )]
    UnknownRule {
        /// What is written.
        id: String,
        /// What it might be.
        known: Vec<String>,
    },
    /// A warning where a row cannot be stored.
    #[error(
        "`{id}` cannot be a warning: a row that breaks it has no value to store, or no key; set a `tolerance` instead"
    )]
    OnlyError {
        /// The rule.
        id: String,
    },
    /// A list without an entry.
    #[error("`{field}` is empty")]
    EmptyList {
        /// The field.
        field: &'static str,
    },
    /// A combination of another length than its columns.
    #[error("{found} entries, expected {expected}, one for each of `columns`")]
    CombinationWidth {
        /// Entries written.
        found: usize,
        /// Columns of the rule.
        expected: usize,
    },
    /// A code that the column does not have.
    #[error("`{found}` is none of the codes of `{header}`")]
    NoSuchCode {
        /// What is written.
        found: String,
        /// The column.
        header: String,
    },
    /// A span of time that is none.
    #[error("`{found}` is no span of time, expected such as `60 days` or `2 months`")]
    Span {
        /// What is written.
        found: String,
    },
}

fn quoted_static(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    quoted(&names)
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A step on the way to a value in a TOML file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Field(&'static str),
    Item(usize),
}

/// A fault and the way to it.
pub(super) struct Misplaced {
    pub(super) fault: ContractFault,
    steps: Vec<Step>,
}

impl ContractFault {
    pub(super) fn at<const N: usize>(self, steps: [Step; N]) -> Misplaced {
        Misplaced {
            fault: self,
            steps: steps.to_vec(),
        }
    }
}

impl Misplaced {
    /// Finds the fault's place in the text: the value itself, or what surrounds it where the
    /// fault is that it is absent.
    pub(super) fn locate(self, source_name: &str, text: &str) -> DataContractError {
        let mut span = 0..0;
        if let Ok(root) = toml::de::DeTable::parse(text)
            && let Some((Step::Field(first), rest)) = self.steps.split_first()
            && let Some(mut value) = root.get_ref().get(*first)
        {
            span = value.span();
            for step in rest {
                let next = match *step {
                    Step::Field(name) => value.get_ref().get(name),
                    Step::Item(i) => value.get_ref().get(i),
                };
                let Some(next) = next else { break };
                (value, span) = (next, next.span());
            }
        }
        let kind = Kind::Fault(self.fault);
        DataContractError {
            source_name: source_name.to_owned(),
            text: text.to_owned(),
            span,
            kind,
        }
    }
}

impl DataContractError {
    pub(super) fn syntax(source_name: &str, text: &str, error: &toml::de::Error) -> Self {
        Self {
            source_name: source_name.to_owned(),
            text: text.to_owned(),
            span: error.span().unwrap_or(0..0),
            kind: Kind::Syntax(error.message().to_owned()),
        }
    }

    /// The file the contract came from.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// Line of the fault, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// Column of the fault in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.before()
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count())
            + 1
    }

    /// What is unsound; `None` if the text is not TOML of the right shape.
    #[must_use]
    pub fn fault(&self) -> Option<&ContractFault> {
        match &self.kind {
            Kind::Fault(fault) => Some(fault),
            Kind::Syntax(_) => None,
        }
    }

    fn before(&self) -> &str {
        self.text.get(..self.span.start).unwrap_or_default()
    }

    fn what(&self) -> String {
        match &self.kind {
            Kind::Syntax(message) => message.trim_end().replace('\n', ", "),
            Kind::Fault(fault) => fault.to_string(),
        }
    }
}

impl fmt::Display for DataContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = (self.line(), self.column());
        write!(f, "{}:{line}:{column}: {}", self.source_name, self.what())
    }
}

impl std::error::Error for DataContractError {}

impl Diagnostic for DataContractError {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new(Some(self.what()), self.span.start, self.span.len());
        Some(Box::new(std::iter::once(label)))
    }
}
