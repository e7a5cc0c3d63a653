//! Why a design says nothing.

use utfall_effects::EffectError;

/// Why the operating characteristics of a design and a contract cannot be found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// The file does not follow its format.
    #[error("cannot read {file}: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong, and where.
        message: String,
    },
    /// A design with impossible numbers.
    #[error("cannot plan for the effect `{effect}`: {source}")]
    Effect {
        /// The effect.
        effect: String,
        /// What is wrong.
        source: EffectError,
    },
    /// The contract reads a figure that no effect of the design supplies.
    #[error(
        "the contract reads `{input}`, but no [[effect]] of the design supplies it; its effects are {known}"
    )]
    UnknownInput {
        /// The figure.
        input: String,
        /// The effects there are.
        known: String,
    },
    /// A name that stands twice.
    #[error("two effects are named `{name}`, expected one")]
    Repeated {
        /// The name.
        name: String,
    },
    /// Nobody says how many units there will be.
    #[error(
        "`n-treated` and `n-comparator` of the effect `{effect}` are missing; its precision does not say how many units there are"
    )]
    NoCounts {
        /// The effect.
        effect: String,
    },
    /// A precision that is to be taken from a calibration that is not there.
    #[error(
        "the precision of the effect `{effect}` is `calibrated`, but there is no calibration with such an effect; run `utfall calibrate` first, or state a design"
    )]
    NoCalibration {
        /// The effect.
        effect: String,
    },
    /// A hoped-for effect of zero: nothing to plan for.
    #[error("the hoped effect of `{effect}` is {hoped}, expected a finite number other than 0")]
    NothingHoped {
        /// The effect.
        effect: String,
        /// What was hoped.
        hoped: f64,
    },
    /// A number of draws outside its range.
    #[error("{n} draws, expected 100 to 1000000")]
    Draws {
        /// What was asked.
        n: u32,
    },
    /// The contract could not be evaluated on what was drawn.
    #[error("cannot evaluate the contract on a drawn effect: {message}")]
    Decision {
        /// Why.
        message: String,
    },
    /// The person running this asked to stop.
    #[error("stopped; nothing was written")]
    Cancelled,
}
