//! Why a request has no answer.

use std::path::{Path, PathBuf};

use utfall_effects::EffectError;
use utfall_matching::MatchingError;
use utfall_matching::design::{DesignError, Named};
use utfall_matching::weighting::WeightingError;
use utfall_stats::MatrixError;

/// Why a request has no answer.
///
/// Every message reads on from "cannot answer the request:", names the file, line and column it is
/// about, and says what to change. No message shows a cell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request, a case or the data cannot be read.
    #[error("cannot read `{}`: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// The request is not one: wrong syntax, an unknown key or value, or a key that is missing.
    ///
    /// `message` names line and column.
    #[error("`{name}` is not a request: {message}")]
    Malformed {
        /// The file.
        name: String,
        /// What the reader said, with line and column.
        message: String,
    },

    /// Two parts of the request do not go together.
    #[error("{what}: {remedy}")]
    Contradiction {
        /// What does not go together.
        what: String,
        /// What to change.
        remedy: &'static str,
    },

    /// The data file is not UTF-8, or a line has too many or too few cells.
    #[error("line {line} of `{}`: {what}", file.display())]
    BadLine {
        /// The data file.
        file: PathBuf,
        /// The line, the header being line 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },

    /// The header lacks a column.
    #[error("no column `{column}` in `{}`: its header holds {found}", file.display())]
    NoColumn {
        /// The data file.
        file: PathBuf,
        /// The column.
        column: String,
        /// The header.
        found: String,
    },

    /// The header holds a column more than once.
    #[error("column `{column}` stands more than once in the header of `{}`: rename one", file.display())]
    ColumnTwice {
        /// The data file.
        file: PathBuf,
        /// The column.
        column: String,
    },

    /// A cell of a column that is used holds no value.
    #[error(
        "line {line} of `{}` has no value in column `{column}`: complete it, or name the column in `drop-rows-without`",
        file.display()
    )]
    Missing {
        /// The data file.
        file: PathBuf,
        /// The column.
        column: String,
        /// The line, the header being line 1.
        line: u64,
    },

    /// A cell of a numeric column is not a number.
    #[error(
        "line {line} of `{}` holds no finite number in column `{column}`: numbers are written like -1234.5; a category is named as `column=value`",
        file.display()
    )]
    NotANumber {
        /// The data file.
        file: PathBuf,
        /// The column.
        column: String,
        /// The line, the header being line 1.
        line: u64,
    },

    /// A cell of the treatment column is neither arm.
    #[error(
        "line {line} of `{}` holds neither of the two arms in column `{column}`: leave such rows out with `keep`",
        file.display()
    )]
    NeitherArm {
        /// The data file.
        file: PathBuf,
        /// The treatment column.
        column: String,
        /// The line, the header being line 1.
        line: u64,
    },

    /// A formula of `derive` cannot be computed.
    #[error("the formula of `{name}`: {message}")]
    Formula {
        /// The column it is for.
        name: String,
        /// What is wrong.
        message: String,
    },

    /// Two rows share an identifier.
    #[error("lines {} and {} of `{}` hold the same value in `{column}`: each unit is one row", lines[0], lines[1], file.display())]
    IdTwice {
        /// The data file.
        file: PathBuf,
        /// The identifier column.
        column: String,
        /// The two lines.
        lines: [u64; 2],
    },

    /// The columns make no matrix.
    #[error("cannot use the covariates{covariates}: {source}")]
    Covariates {
        /// The covariates, counted from 0.
        covariates: Named,
        /// Why.
        source: MatrixError,
    },

    /// Comparators could not be found, or the arms not compared.
    #[error("cannot match: {source}{covariates}")]
    Matching {
        /// The covariates, counted from 0.
        covariates: Named,
        /// Why.
        source: MatchingError,
    },

    /// Units could not be weighted.
    #[error("cannot weigh: {source}{covariates}")]
    Weighting {
        /// The covariates, counted from 0.
        covariates: Named,
        /// Why.
        source: WeightingError,
    },

    /// The effect could not be estimated.
    #[error("cannot estimate the effect: {source}{covariates}{}", at_line(*line))]
    Effect {
        /// The covariates that were adjusted for, counted from 0.
        covariates: Named,
        /// The line of the data file that `row` in the reason stands for.
        line: Option<u64>,
        /// Why.
        source: EffectError,
    },
}

fn at_line(line: Option<u64>) -> String {
    line.map_or(String::new(), |line| {
        format!(" (line {line} of the data file)")
    })
}

impl From<DesignError<Self>> for RequestError {
    fn from(error: DesignError<Self>) -> Self {
        match error {
            DesignError::Column(error) => error,
            DesignError::Matrix { covariates, source } => Self::Covariates { covariates, source },
            DesignError::Matching { covariates, source } => Self::Matching { covariates, source },
            DesignError::Weighting { covariates, source } => Self::Weighting { covariates, source },
        }
    }
}

impl RequestError {
    /// Refuses with the first of the rules that is broken: each says whether it is, what does not
    /// go together, and what to change.
    pub(crate) fn first_contradiction(
        rules: impl IntoIterator<Item = (bool, &'static str, &'static str)>,
    ) -> Result<(), Self> {
        match rules.into_iter().find(|(broken, ..)| *broken) {
            Some((_, what, remedy)) => Err(Self::Contradiction {
                what: what.to_owned(),
                remedy,
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn matrix(covariates: &[String], source: &MatrixError) -> Self {
        Self::Covariates {
            covariates: Named(covariates.to_vec()),
            source: source.clone(),
        }
    }

    pub(crate) fn matching(covariates: &[String], source: MatchingError) -> Self {
        Self::Matching {
            covariates: Named(covariates.to_vec()),
            source,
        }
    }

    pub(crate) fn weighting(covariates: &[String], source: WeightingError) -> Self {
        Self::Weighting {
            covariates: Named(covariates.to_vec()),
            source,
        }
    }

    pub(crate) fn effect(covariates: &[String], line: Option<u64>, source: EffectError) -> Self {
        Self::Effect {
            covariates: Named(covariates.to_vec()),
            line,
            source,
        }
    }

    /// What a CSV reader said, without any cell.
    pub(crate) fn of_csv(file: &Path, error: &csv::Error) -> Self {
        let line = error.position().map_or(1, csv::Position::line);
        let file = file.to_owned();
        match error.kind() {
            csv::ErrorKind::Io(source) => Self::Unreadable {
                file,
                source: std::io::Error::new(source.kind(), source.to_string()),
            },
            csv::ErrorKind::Utf8 { .. } => Self::BadLine {
                file,
                line,
                what: "not UTF-8: save the file as UTF-8".to_owned(),
            },
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => Self::BadLine {
                file,
                line,
                what: format!(
                    "{len} cells under a header of {expected_len}: is a comma unquoted or missing?"
                ),
            },
            _ => Self::BadLine {
                file,
                line,
                what: "not comma-separated text".to_owned(),
            },
        }
    }
}
