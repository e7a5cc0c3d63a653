//! Words of the field, for readers who do not use them every day.

use super::Word;

/// The glossary of every report.
pub(crate) fn glossary() -> Vec<Word> {
    let word = |term, meaning| Word { term, meaning };
    vec![
        word(
            "Treated, comparators",
            "The treated are all whom the programme was meant for, whether or not they took part. Comparators are others, chosen to be like them before it began.",
        ),
        word(
            "Effect",
            "What happened to the treated minus what happened to their comparators: the best estimate of what the programme changed.",
        ),
        word(
            "Interval",
            "A range made so that, of many like it, the stated share holds the true effect. A wide one says that little is known.",
        ),
        word(
            "p-value",
            "How often a difference at least this large would come about if the programme had no effect.",
        ),
        word(
            "Unadjusted comparison",
            "All treated against all others, as they are. It mixes the effect with how the groups differed from the start, and no payment rests on it.",
        ),
        word(
            "Estimand",
            "Whom the effect is averaged over: “att”, all treated; “matched-treated”, those treated who found a comparator; “ate”, everyone; “overlap”, those who may well have been in either group.",
        ),
        word(
            "Design",
            "A way to make the groups comparable and to estimate the effect: by matching like with like, or by giving those weight who are like the other group.",
        ),
        word(
            "Effective number",
            "Where units count unequally, as many equal ones as would be as precise.",
        ),
        word(
            "Negative control",
            "An outcome that the programme cannot have changed. If the groups differ in it, they may differ in the others for the same reason.",
        ),
        word(
            "Standardised difference",
            "The difference between the groups’ means divided by a standard deviation, so that covariates in different units can be held against each other.",
        ),
        word(
            "Variance ratio",
            "The spread of a covariate among the treated over that among the comparators; 1 is alike. A covariate that is only yes or no has none.",
        ),
        word(
            "Gate",
            "A condition set down in advance. If it does not hold, what hangs on it is not paid.",
        ),
        word(
            "Percentage point",
            "The difference between two percentages: from 24 % to 18 % is 6 percentage points.",
        ),
        word(
            "Suppressed",
            "A count too small to be shown without risk to someone’s privacy. It is not zero.",
        ),
        word(
            "Not measurable",
            "What the contract asks cannot be told from these data. That is neither success nor failure.",
        ),
    ]
}
