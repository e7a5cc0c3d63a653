//! Matching and weighting by the names of covariates, as requests and plans write them.
//!
//! [`Matching`] and [`Weighting`] say what to do; [`find`] and [`weigh`] do it on any [`Columns`].
//! Each method is one call of the function that has its name in this crate.

mod find;
mod matching;
mod rules;
mod weigh;
mod words;

use utfall_stats::{Matrix, MatrixError};

pub use find::{Found, find, score, strata};
pub use matching::{
    ClosestOn, Coarsened, CovariateCaliper, CovariateScale, Distance, Matching, ScoreScale,
};
pub use weigh::{KnownTotals, Weighting, weigh};

use crate::weighting::WeightingError;
use crate::{Entries, MatchingError};

/// Covariates by their name, one value for each unit.
pub trait Columns {
    /// Why a column cannot be had.
    type Error;

    /// Units there are.
    fn n_units(&self) -> usize;

    /// A covariate as finite numbers.
    ///
    /// # Errors
    ///
    /// There is no such covariate, or it holds something else.
    fn numbers(&self, name: &str) -> Result<Vec<f64>, Self::Error>;

    /// A covariate as text, for units that must be equal to the letter.
    ///
    /// # Errors
    ///
    /// There is no such covariate, or a unit has no value.
    fn texts(&self, name: &str) -> Result<Vec<String>, Self::Error>;

    /// Whom each unit is an entry of, and its index date, where persons enter on several days.
    fn entries(&self) -> Option<Entries> {
        None
    }
}

/// Parts of a design that do not go together: whether they do not, what they are, and the remedy.
pub type Contradiction = (bool, &'static str, &'static str);

/// Why units could not be made comparable. Columns are counted from 0 among the covariates named.
#[derive(Debug, Clone, PartialEq)]
pub enum DesignError<E> {
    /// A column cannot be had.
    Column(E),
    /// Columns make no matrix.
    Matrix {
        /// The covariates.
        covariates: Named,
        /// Why.
        source: MatrixError,
    },
    /// Comparators could not be found.
    Matching {
        /// The covariates.
        covariates: Named,
        /// Why.
        source: MatchingError,
    },
    /// Units could not be weighted.
    Weighting {
        /// The covariates.
        covariates: Named,
        /// Why.
        source: WeightingError,
    },
}

/// Covariates as a message counts them, so that "covariate 2" can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named(pub Vec<String>);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = |index| {
            if index == 0 {
                " (counted from 0: "
            } else {
                ", "
            }
        };
        for (index, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", separator(index))?;
        }
        if self.0.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl<E> DesignError<E> {
    fn matching(covariates: &[String], source: MatchingError) -> Self {
        let covariates = Named(covariates.to_vec());
        Self::Matching { covariates, source }
    }
}

/// Covariates as a matrix, in the order of their names.
///
/// # Errors
///
/// [`DesignError::Column`] or [`DesignError::Matrix`].
pub fn matrix<C: Columns>(columns: &C, names: &[String]) -> Result<Matrix, DesignError<C::Error>> {
    let values = names.iter().map(|name| columns.numbers(name));
    let values: Vec<Vec<f64>> = values
        .collect::<Result<_, _>>()
        .map_err(DesignError::Column)?;
    Matrix::from_columns(values).map_err(|source| DesignError::Matrix {
        covariates: Named(names.to_vec()),
        source,
    })
}
