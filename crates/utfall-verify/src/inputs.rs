//! From effects to the named figures a contract reads.
//!
//! An effect `E` supplies, from its entry in `record/effects.json`:
//!
//! | Name | From | Kind |
//! | --- | --- | --- |
//! | `E.point`, `E.standard-error`, `E.p-value` | the estimate | number |
//! | `E.lower`, `E.upper` | its interval | number |
//! | `E.n-treated`, `E.n-comparator` | the units it rests on | number |
//! | `E.estimand` | whom it is averaged over | text |
//! | `E.relative` | `point / abs(mean-comparator)`; none for an effect in `log points` | number |
//! | `E.total` | `point × n-treated` | number |
//! | `E.maryland` | its grade on the Maryland scale, 1 to 5 | number |
//! | `E.wwc` | its rating in the style of the What Works Clearinghouse | text |
//! | `E.without-one-lowest`, `E.without-one-highest` | the range of the point over all estimates without one unit, where the run has it | number |
//! | `E.savings`, `E.savings-lower`, `E.savings-upper` | what it is worth, where the plan gives a unit cost | number |
//! | `E.pretrend-p` | the test of effects before the start, of an effect by a model | number |
//!
//! and `balance.passed`, a flag, comes from `record/balance.json`. An effect that is not
//! measurable supplies every name as not measurable, and one that is not yet reported every name as
//! deferred, each with its reason. A number is the very text
//! that stands in the document: it is copied and never becomes a float here.

use utfall_evidence::json::{Json, JsonError, read_document};
use utfall_payment::{Input, Inputs, Undecided};

use crate::record::{BALANCE, BalanceDocument, EFFECTS, EffectResult, EffectsDocument};

/// Name of the flag that says whether the balance gate was passed.
pub const BALANCE_PASSED: &str = "balance.passed";

/// Each figure of an effect: its name after the effect's, and where it stands in the result.
const FIGURES: [(&str, &[&str]); 10] = [
    ("point", &["estimate", "point"]),
    ("lower", &["estimate", "interval", "lower"]),
    ("upper", &["estimate", "interval", "upper"]),
    ("standard-error", &["estimate", "standard-error"]),
    ("p-value", &["estimate", "p-value"]),
    ("n-treated", &["estimate", "n-treated"]),
    ("n-comparator", &["estimate", "n-comparator"]),
    ("estimand", &["estimate", "estimand"]),
    ("relative", &["relative"]),
    ("total", &["total"]),
];

/// Each figure of an effect's range without any one unit, in the result.
const WITHOUT_ONE: [(&str, &[&str]); 2] = [
    ("without-one-lowest", &["without-one", "lowest"]),
    ("without-one-highest", &["without-one", "highest"]),
];

/// Each figure of an effect's grade, in `grade` beside its result.
const GRADES: [&str; 2] = ["maryland", "wwc"];

/// Each figure of what an effect is worth, in `money` beside its result.
const MONEY: [(&str, &[&str]); 3] = [
    ("savings", &["savings", "point"]),
    ("savings-lower", &["savings", "interval", "lower"]),
    ("savings-upper", &["savings", "interval", "upper"]),
];

/// The figure of a model's test of effects before the start, in `model` beside its result.
const PRETREND: &str = "pretrend-p";

/// The name an effect supplies besides, if a model estimates it.
#[must_use]
pub fn pretrend_name(effect: &str) -> String {
    format!("{effect}.{PRETREND}")
}

/// Every name an effect supplies besides, if the plan says what its outcome costs.
pub fn money_names(effect: &str) -> impl Iterator<Item = String> {
    MONEY
        .iter()
        .map(move |(name, _)| format!("{effect}.{name}"))
}

/// Every name an effect supplies.
pub fn names(effect: &str) -> impl Iterator<Item = String> {
    let figures = FIGURES.iter().map(|(name, _)| name);
    figures
        .chain(&GRADES)
        .map(move |name| format!("{effect}.{name}"))
}

/// Every name that a run supplies beside its effects.
pub fn run_names() -> impl Iterator<Item = String> {
    [BALANCE_PASSED.to_owned()].into_iter()
}

/// A figure for a contract, and where it was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The name a contract reads it under.
    pub name: String,
    /// The figure.
    pub input: Input,
    /// The document it stands in.
    pub document: &'static str,
    /// JSON pointer to it there.
    pub pointer: String,
}

/// Every figure of some effects, in their order, and the balance flag.
///
/// # Arguments
///
/// `effects` and `balance` are the bytes of the two documents, in canonical JSON.
///
/// # Errors
///
/// [`JsonError`] with the name of the document that is not canonical or of another shape; also
/// if two effects have one name.
pub fn figures(effects: &[u8], balance: &[u8]) -> Result<Vec<Figure>, (&'static str, JsonError)> {
    let mut figures = figures_of_effects(effects).map_err(|error| (EFFECTS, error))?;
    let balance: BalanceDocument = read_document(balance).map_err(|error| (BALANCE, error))?;
    figures.push(Figure {
        name: BALANCE_PASSED.to_owned(),
        input: Input::Flag(balance.gate.passed),
        document: BALANCE,
        pointer: "/gate/passed".to_owned(),
    });
    Ok(figures)
}

/// The figures as a contract takes them.
#[must_use]
pub fn inputs(figures: &[Figure]) -> Inputs {
    figures
        .iter()
        .map(|figure| (figure.name.clone(), figure.input.clone()))
        .collect()
}

fn figures_of_effects(bytes: &[u8]) -> Result<Vec<Figure>, JsonError> {
    let document: EffectsDocument = read_document(bytes)?;
    let json = Json::parse_canonical(bytes)?;
    let Some(Json::List(entries)) = json.get("effects") else {
        return Err(JsonError::Shape {
            reason: "no list of effects".to_owned(),
        });
    };
    let mut figures: Vec<Figure> = Vec::new();
    for (index, (effect, entry)) in document.effects.iter().zip(entries).enumerate() {
        if document.effects[..index]
            .iter()
            .any(|earlier| earlier.name == effect.name)
        {
            return Err(JsonError::Shape {
                reason: format!("two effects are named `{}`", effect.name),
            });
        }
        let result = entry.get("result").unwrap_or(&Json::Null);
        figures.extend(FIGURES.iter().map(|(name, path)| {
            let (input, pointer) = match &effect.result {
                EffectResult::NotMeasurable { reason } => {
                    (not_measurable(reason), "reason".to_owned())
                }
                EffectResult::NotYetReported { reason } => {
                    (not_yet_reported(reason), "reason".to_owned())
                }
                EffectResult::Estimated(_) => (copy(result, path), path.join("/")),
            };
            Figure {
                name: format!("{}.{name}", effect.name),
                input,
                document: EFFECTS,
                pointer: format!("/effects/{index}/result/{pointer}"),
            }
        }));
        figures.extend(GRADES.iter().map(|name| {
            let (input, pointer) = match &effect.result {
                EffectResult::NotMeasurable { reason } => {
                    (not_measurable(reason), "result/reason".to_owned())
                }
                EffectResult::NotYetReported { reason } => {
                    (not_yet_reported(reason), "result/reason".to_owned())
                }
                EffectResult::Estimated(_) => (
                    graded(entry.get("grade").and_then(|grade| grade.get(name))),
                    format!("grade/{name}"),
                ),
            };
            Figure {
                name: format!("{}.{name}", effect.name),
                input,
                document: EFFECTS,
                pointer: format!("/effects/{index}/{pointer}"),
            }
        }));
        if result.get("without-one").is_some() {
            figures.extend(WITHOUT_ONE.iter().map(|(name, path)| Figure {
                name: format!("{}.{name}", effect.name),
                input: copy(result, path),
                document: EFFECTS,
                pointer: format!("/effects/{index}/result/{}", path.join("/")),
            }));
        }
        let model = entry.get("model").filter(|_| effect.model.is_some());
        figures.extend(model.map(|model| {
            let (input, pointer) = match &effect.result {
                EffectResult::NotMeasurable { reason } => {
                    (not_measurable(reason), "result/reason".to_owned())
                }
                EffectResult::NotYetReported { reason } => {
                    (not_yet_reported(reason), "result/reason".to_owned())
                }
                EffectResult::Estimated(_) => {
                    (copy(model, &[PRETREND]), format!("model/{PRETREND}"))
                }
            };
            Figure {
                name: pretrend_name(&effect.name),
                input,
                document: EFFECTS,
                pointer: format!("/effects/{index}/{pointer}"),
            }
        }));
        let money = entry.get("money").filter(|_| effect.money.is_some());
        figures.extend(money.into_iter().flat_map(|money| {
            MONEY.iter().map(move |(name, path)| {
                let (input, pointer) = match &effect.result {
                    EffectResult::NotMeasurable { reason } => {
                        (not_measurable(reason), "result/reason".to_owned())
                    }
                    EffectResult::NotYetReported { reason } => {
                        (not_yet_reported(reason), "result/reason".to_owned())
                    }
                    EffectResult::Estimated(_) => {
                        (copy(money, path), format!("money/{}", path.join("/")))
                    }
                };
                Figure {
                    name: format!("{}.{name}", effect.name),
                    input,
                    document: EFFECTS,
                    pointer: format!("/effects/{index}/{pointer}"),
                }
            })
        }));
    }
    Ok(figures)
}

/// The figure at a path, as it is written.
fn copy(result: &Json, path: &[&str]) -> Input {
    match path.iter().try_fold(result, |value, key| value.get(key)) {
        Some(Json::Number(text)) => Input::Number(text.clone()),
        Some(Json::Text(text)) => Input::Text(text.clone()),
        _ => not_measurable(match path {
            ["relative"] => {
                "relative to a comparator mean of 0, of logarithms, or to none, there is no effect"
            }
            [PRETREND] => "the model tests no effects before the start",
            _ => "the figure is beyond any number",
        }),
    }
}

/// A figure of a grade, as it is written.
fn graded(figure: Option<&Json>) -> Input {
    match figure {
        Some(Json::Number(text)) => Input::Number(text.clone()),
        Some(Json::Text(text)) => Input::Text(text.clone()),
        _ => not_measurable("the estimate has no grade"),
    }
}

fn not_yet_reported(reason: &str) -> Input {
    Input::Unavailable {
        reason: reason.to_owned(),
        branch: Undecided::Deferred,
    }
}

fn not_measurable(reason: &str) -> Input {
    Input::Unavailable {
        reason: reason.to_owned(),
        branch: Undecided::NotMeasurable,
    }
}
