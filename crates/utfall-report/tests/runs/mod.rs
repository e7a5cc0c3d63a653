//! Synthetic runs to report on: one that pays, one without an effect, one that cannot be measured,
//! one whose every name is hostile.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a run that cannot be made is a failed test, and no test needs every run"
)]

use std::num::NonZeroU64;

use utfall_core::{Estimand, Estimate, Funnel, Interval};
use utfall_disclosure::Policy;
use utfall_payment::Contract;
use utfall_report::ReportInput;
use utfall_verify::record::{
    BalanceDocument, BalanceGate, BalanceRow, DeliveryStatus, DesignsDocument, Documents,
    EffectRecord, EffectResult, EffectRole, EffectsDocument, EnvironmentDocument, Estimated,
    ExtractRecord, ExtractsDocument, FunnelDocument, GradeRecord, LockDocument, OverlapBin,
    OverlapDocument, OverlapResult, TrialDocument, TrialPart,
};

/// A run and what people call it.
pub(crate) struct Run {
    pub(crate) title: String,
    pub(crate) pipeline: String,
    pub(crate) description: String,
    pub(crate) documents: Documents,
}

impl Run {
    pub(crate) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            title: &self.title,
            pipeline: &self.pipeline,
            description: &self.description,
            documents: &self.documents,
        }
    }

    pub(crate) fn report(&self) -> String {
        utfall_report::render(&self.input()).unwrap()
    }

    /// Applies the contract to the effects as they stand.
    fn decided(mut self, contract: &str) -> Self {
        let contract = Contract::from_toml("contract.toml", contract).unwrap();
        self.documents.decision =
            utfall_verify::decide(&contract, &self.documents.effects, &self.documents.balance)
                .unwrap();
        self
    }
}

pub(crate) const CONTRACT: &str = include_str!("../cases/absence.toml");

/// An effect of −6 percentage points, paid up to the cap.
pub(crate) fn paid() -> Run {
    run(
        estimated(
            estimate(-0.0603, -0.0804, -0.0402),
            estimate(0.0921, 0.0761, 0.1081),
        ),
        true,
    )
    .decided(CONTRACT)
}

/// A programme that changed nothing.
pub(crate) fn placebo() -> Run {
    let mut run = run(
        estimated(
            estimate(-0.0021, -0.0213, 0.0171),
            estimate(0.0874, 0.0702, 0.1046),
        ),
        true,
    );
    run.title = "Placebo: pupils drawn by lot".to_owned();
    run.documents.balance.n_treated_matched = 412;
    run.documents.balance.n_tied = 0;
    let EffectResult::Estimated(estimated) = &mut run.documents.effects.effects[0].result else {
        unreachable!()
    };
    estimated.estimate.estimand = Estimand::Att;
    estimated.estimate.n_treated = 412;
    run.decided(CONTRACT)
}

/// Two effects in different units, one of them on a contract's total, and large amounts.
pub(crate) fn savings() -> Run {
    let mut run = paid();
    run.title = "Placements and grades".to_owned();
    run.documents.effects.effects = vec![
        EffectRecord {
            name: "placement-cost".to_owned(),
            title: "Cost of placements over two years".to_owned(),
            unit: "SEK per child".to_owned(),
            estimator: "matched-difference-in-differences".to_owned(),
            ..effect(estimated_from(
                estimate(-31_804.25, -58_120.5, -5_488.0),
                estimate(12_410.0, -3_120.0, 27_940.0),
                96_112.0,
                127_916.25,
            ))
        },
        EffectRecord {
            name: "merit".to_owned(),
            title: "Merit points in grade 9".to_owned(),
            unit: "merit points".to_owned(),
            ..effect(estimated_from(
                estimate(-1.25, -7.5, 5.0),
                estimate(-32.4, -39.1, -25.7),
                191.25,
                192.5,
            ))
        },
    ];
    run.decided(include_str!("../cases/savings.toml"))
}

/// Too few treated for an estimate.
pub(crate) fn not_measurable() -> Run {
    let result = EffectResult::NotMeasurable {
        reason: "3 treated pupils have the outcome, expected at least 10".to_owned(),
    };
    let mut run = run(result, false);
    run.title = "A pilot too small to measure".to_owned();
    run.decided(CONTRACT)
}

/// Nothing to warn of: the estimate clear of zero and of every threshold, and no unit or row lost.
pub(crate) fn spotless() -> Run {
    let mut run = placebo();
    run.documents.effects.effects[0].result = estimated(
        estimate(-0.0901, -0.0951, -0.0851),
        estimate(0.0874, 0.0702, 0.1046),
    );
    run.documents.effects.effects[0].n_outcome_missing_treated = 0;
    run.documents.effects.effects[0].n_outcome_missing_comparator = 0;
    for extract in &mut run.documents.extracts.extracts {
        extract.n_quarantined = 0;
    }
    run.decided(CONTRACT)
}

/// Every name is written by someone who means harm.
pub(crate) fn hostile() -> Run {
    const NAME: &str = "<script>alert('1')</script>\"><img src=x onerror=alert(2)> & {{ 7 * 7 }} \u{202e}\u{0}\u{1b}[31m";
    let mut run = paid();
    run.title = NAME.to_owned();
    run.pipeline = NAME.to_owned();
    run.description = NAME.repeat(20);
    let documents = &mut run.documents;
    documents.funnel.funnel.unit = NAME.to_owned();
    documents.funnel.funnel.lines[0].rule = NAME.repeat(5);
    documents.balance.rows[0].covariate = "x".repeat(400);
    documents.balance.rows[1].covariate = NAME.to_owned();
    documents.balance.smd_denominator = NAME.to_owned();
    documents.effects.effects[0].title = NAME.to_owned();
    documents.effects.effects[0].unit = NAME.to_owned();
    documents.effects.effects[0].standard_error_kind = NAME.to_owned();
    documents.effects.effects[0].estimator = NAME.to_owned();
    documents.extracts.extracts[0].name = NAME.to_owned();
    documents.environment.utfall_version = NAME.to_owned();
    documents.decision.contract.title = NAME.to_owned();
    documents.decision.lines[0].title = Some(NAME.to_owned());
    documents.decision.payers[0].name = NAME.to_owned();
    for step in &mut documents.decision.trace {
        step.unit = Some(NAME.to_owned());
        for operand in &mut step.operands {
            operand.name = NAME.to_owned();
        }
    }
    run
}

fn run(result: EffectResult, balanced: bool) -> Run {
    let effects = EffectsDocument {
        effects: vec![effect(result)],
    };
    let balance = balance(balanced);
    let contract = Contract::from_toml("contract.toml", CONTRACT).unwrap();
    let decision = utfall_verify::decide(&contract, &effects, &balance).unwrap();
    Run {
        title: "Back to school: invalid absence after an early-return programme".to_owned(),
        pipeline: "absence".to_owned(),
        description: "Pupils in grades 4 to 9 referred to an early-return programme in the summer of 2023 are compared with pupils of the same grade and sex who had the same absence and were not referred. Everyone referred counts, engaged or not. The figures are synthetic.".to_owned(),
        documents: Documents { trial: trial(), funnel: funnel(), balance, overlap: overlap(), effects, designs: DesignsDocument::default(), extracts: extracts(), environment: environment(), lock: LockDocument::default(), decision },
    }
}

fn trial() -> TrialDocument {
    let part = |name: &str, lines: &[&str]| TrialPart {
        name: name.to_owned(),
        lines: lines.iter().map(|&line| line.to_owned()).collect(),
    };
    TrialDocument {
        parts: vec![
            part("Eligible", &["alive on the index date", "not moved away"]),
            part("Time zero", &["2023-09-01"]),
        ],
    }
}

fn funnel() -> FunnelDocument {
    let mut funnel = Funnel::new("pupil", 12_408);
    funnel.apply("born 2008 to 2013 (grades 4 to 9)", 8_296);
    funnel.apply("alive on the index date", 8_294);
    funnel.apply("not moved away", 8_121);
    funnel.apply("enrolled on the index date", 7_911);
    funnel.apply(
        "invalid absence of 5 % or more of the hours offered in the year before the index date",
        2_640,
    );
    funnel.apply("referred once at most", 6);
    let policy = policy();
    FunnelDocument {
        funnel: policy.release_funnel(&funnel),
        policy,
    }
}

fn balance(passed: bool) -> BalanceDocument {
    let row = |covariate: &str, before, after, ratio_before, ratio_after| BalanceRow {
        covariate: covariate.to_owned(),
        smd_before: before,
        smd_after: after,
        variance_ratio_before: ratio_before,
        variance_ratio_after: ratio_after,
    };
    let last = if passed { 0.081 } else { -0.137 };
    BalanceDocument {
        method: "3 nearest neighbours on the logit of a propensity score".to_owned(),
        estimand: Estimand::MatchedTreated,
        smd_denominator: "treated".to_owned(),
        gate: BalanceGate {
            max_abs_smd: 0.1,
            passed,
        },
        rows: vec![
            row(
                "year of birth",
                Some(-0.12),
                Some(0.012),
                Some(0.97),
                Some(1.0),
            ),
            row(
                "invalid absence, year before",
                Some(0.914),
                Some(0.031),
                Some(1.81),
                Some(1.04),
            ),
            row(
                "invalid absence, last three months",
                Some(0.832),
                Some(-0.022),
                Some(1.62),
                Some(1.01),
            ),
            row(
                "valid absence, year before",
                Some(-0.443),
                Some(last),
                Some(1.21),
                Some(1.12),
            ),
            row("girl", Some(0.084), Some(-0.003), None, None),
            row(
                "moved school in the year before",
                Some(0.31),
                Some(0.061),
                None,
                None,
            ),
            row(
                "merit points, spring term",
                Some(-0.527),
                Some(0.044),
                Some(0.88),
                Some(1.05),
            ),
        ],
        n_treated: 412,
        n_treated_matched: 409,
        n_comparator: 6_988,
        n_comparator_matched: 1_193,
        effective_n_treated: 409.0,
        effective_n_comparator: 1_121.4,
        n_tied: 17,
        n_later_treated: 0,
    }
}

fn overlap() -> OverlapDocument {
    let policy = policy();
    let bin = |(number, [treated, comparator]): (i32, [u64; 2])| OverlapBin {
        from: f64::from(number) / 20.0,
        below: f64::from(number + 1) / 20.0,
        treated: policy.release(treated),
        comparator: policy.release(comparator),
    };
    let counts = [
        [4, 2_912],
        [61, 2_403],
        [104, 1_011],
        [118, 402],
        [71, 161],
        [38, 84],
        [16, 15],
    ];
    OverlapDocument {
        policy: policy.clone(),
        result: OverlapResult::Scored {
            bins: (0..).zip(counts).map(bin).collect(),
        },
    }
}

fn policy() -> Policy {
    Policy::Round {
        redact_at_most: 7,
        base: NonZeroU64::new(5).unwrap(),
    }
}

fn effect(result: EffectResult) -> EffectRecord {
    EffectRecord {
        name: "absence".to_owned(),
        title: "Invalid absence in the year after".to_owned(),
        role: EffectRole::Outcome,
        unit: "rate".to_owned(),
        estimator: "matched-difference".to_owned(),
        standard_error_kind: "cr1".to_owned(),
        n_outcome_missing_treated: 4,
        n_outcome_missing_comparator: 11,
        result,
        grade: Some(GradeRecord {
            design: "equated".to_owned(),
            wwc: "meets-with-reservations".to_owned(),
            maryland: 3,
            overall_attrition: 0.015,
            differential_attrition: 0.004,
            low_attrition: true,
            largest_difference: Some(0.02),
            reasons: vec!["nobody was assigned at random".to_owned()],
        }),
        money: None,
        model: None,
    }
}

fn estimated(matched: Estimate, unadjusted: Estimate) -> EffectResult {
    estimated_from(matched, unadjusted, 0.1821, 0.2424)
}

fn estimated_from(
    matched: Estimate,
    unadjusted: Estimate,
    mean_treated: f64,
    mean_comparator: f64,
) -> EffectResult {
    let unadjusted = Estimate {
        n_treated: 412,
        n_comparator: 6_988,
        n_clusters: None,
        ..unadjusted
    };
    EffectResult::Estimated(Box::new(Estimated::new(
        matched,
        Some(unadjusted),
        Some(mean_treated),
        Some(mean_comparator),
    )))
}

fn estimate(point: f64, lower: f64, upper: f64) -> Estimate {
    Estimate {
        estimand: Estimand::MatchedTreated,
        point,
        standard_error: (upper - lower) / 3.92,
        degrees_of_freedom: Some(408.0),
        confidence_level: 0.95.try_into().unwrap(),
        interval: Interval { lower, upper },
        p_value: if upper < 0.0 || lower > 0.0 {
            0.000_000_01
        } else {
            0.831
        },
        n_treated: 409,
        n_comparator: 1_193,
        n_clusters: Some(409),
    }
}

fn extracts() -> ExtractsDocument {
    let record = |name: &str, vintage: &str, status, n_rows, n_quarantined| ExtractRecord {
        name: name.to_owned(),
        vintage: vintage.parse().unwrap(),
        status,
        n_rows,
        n_accepted: n_rows - n_quarantined,
        n_quarantined,
        commitment: "4f9d0c2b7a5e8d1f".repeat(4).parse().unwrap(),
    };
    ExtractsDocument {
        extracts: vec![
            record("persons", "2024-09-15", DeliveryStatus::Final, 12_408, 0),
            record("enrolment", "2024-09-15", DeliveryStatus::Final, 13_022, 3),
            record(
                "absence",
                "2024-07-01",
                DeliveryStatus::Preliminary,
                281_904,
                188,
            ),
            record("absence", "2024-10-01", DeliveryStatus::Final, 297_792, 191),
            record("referrals", "2023-09-15", DeliveryStatus::Final, 431, 0),
        ],
    }
}

fn environment() -> EnvironmentDocument {
    EnvironmentDocument {
        utfall_version: "0.1.0".to_owned(),
        plan_digest: "a19d0c2b7a5e8d1f".repeat(4).parse().unwrap(),
        commitment_key: "0c2b7a5e8d1fa19d".repeat(4).parse().unwrap(),
        cohort_seal: "3d2f6877e1b0a94c".repeat(4).parse().unwrap(),
        matched_set_seal: "77e1b0a94c3d2f68".repeat(4).parse().unwrap(),
        calibrations: Vec::new(),
    }
}
