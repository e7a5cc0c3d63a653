//! Published contracts, replayed claim by claim: care leavers and the Fair Chance Fund.

use std::collections::BTreeMap;

use utfall_claims::published::{
    Metric, MetricFinding, metrics, metrics_of, project_findings, project_totals, replay,
    write_metrics,
};
use utfall_claims::{Direction, reconcile};
use utfall_core::Period;
use utfall_payment::{Currency, Money};

use super::day;

const CARE_LEAVERS: &str = include_str!("../data/care-leavers.csv");
const FAIR_CHANCE: &str = include_str!("../data/fair-chance-fund.csv");
const FAIR_CHANCE_PAID: &str = include_str!("../data/fair-chance-fund-paid.csv");

fn period() -> Period {
    Period::new(day("2018-10-01"), day("2023-04-01")).unwrap()
}

fn pounds(amount: i128) -> Money {
    Money::new(amount * 100, Currency::from_code("GBP").unwrap())
}

fn by_project(metrics: Vec<Metric>) -> BTreeMap<String, Vec<Metric>> {
    let mut projects: BTreeMap<String, Vec<Metric>> = BTreeMap::new();
    for metric in metrics {
        projects
            .entry(metric.project_id.clone())
            .or_default()
            .push(metric);
    }
    projects
}

#[test]
fn of_69_care_leaver_lines_51_pay_price_times_count_to_the_pound() {
    let metrics = metrics(CARE_LEAVERS.as_bytes()).unwrap();
    assert_eq!(metrics.len(), 69);
    let findings: Vec<MetricFinding> = metrics.iter().map(Metric::finding).collect();
    let n_exact = findings
        .iter()
        .filter(|finding| **finding == MetricFinding::Exact)
        .count();
    assert_eq!(n_exact, 51);
    assert_eq!(findings[0], MetricFinding::MoreThanCounted { units: 527 });
    let fewer: Vec<_> = findings
        .iter()
        .filter(|finding| matches!(finding, MetricFinding::LessThanCounted { .. }))
        .collect();
    assert_eq!(fewer, [&MetricFinding::LessThanCounted { units: 20 }]);
}

#[test]
fn care_leaver_claims_pay_the_published_totals_and_reconcile_in_both_directions() {
    let projects = by_project(metrics(CARE_LEAVERS.as_bytes()).unwrap());
    let expected = [1_871_540, 2_165_460, 848_540];
    let mut directions = BTreeMap::new();
    for ((_, metrics), expected) in projects.iter().zip(expected) {
        let history = replay(metrics, period(), None).unwrap();
        assert_eq!(history.evaluation.total, pounds(expected));
        for (metric, line) in metrics.iter().zip(&history.evaluation.lines) {
            assert_eq!(Some(line.due), metric.actual_payment, "{}", metric.metric);
        }
        let counted = metrics
            .iter()
            .map(|metric| {
                (
                    metric.metric.clone(),
                    (metric.results_count.unwrap(), BTreeMap::new()),
                )
            })
            .collect();
        for difference in reconcile(
            &history.card,
            &history.claims,
            &history.evaluation,
            &counted,
        ) {
            *directions
                .entry(format!("{:?}", difference.direction))
                .or_insert(0) += 1;
        }
    }
    let expected = [("Agrees", 51), ("FewerClaimed", 1), ("MoreClaimed", 17)];
    assert_eq!(
        directions.into_iter().collect::<Vec<_>>(),
        expected.map(|(name, n)| (name.to_owned(), n))
    );
}

#[test]
fn the_first_care_leaver_line_has_231_persons_and_527_claims() {
    let projects = by_project(metrics(CARE_LEAVERS.as_bytes()).unwrap());
    let history = replay(&projects["INDIGO-POJ-0121"], period(), None).unwrap();
    let line = &history.evaluation.lines[0];
    assert_eq!(
        (line.n_persons, line.n_claims, line.due),
        (231, 527, pounds(115_940))
    );
}

#[test]
fn the_fair_chance_fund_is_paid_to_its_caps_and_the_copied_total_is_caught() {
    let metrics = metrics(FAIR_CHANCE.as_bytes()).unwrap();
    let totals = project_totals(FAIR_CHANCE_PAID.as_bytes()).unwrap();
    let findings = project_findings(&metrics, &totals);
    let counted: Vec<(&str, Money, Money)> = findings
        .iter()
        .map(|finding| (finding.project.as_str(), finding.counted, finding.paid))
        .collect();
    let expected = [
        ("Ambition", 3_155_150, 2_742_943),
        ("Aspire", 1_516_000, 1_313_690),
        ("Depaul", 1_692_700, 1_654_340),
        ("Fusion", 3_032_950, 2_513_800),
        ("Home Group", 2_391_450, 1_323_670),
        ("Local Solutions", 1_347_000, 1_323_670),
        ("St Basil's", 2_802_950, 2_622_375),
    ];
    assert_eq!(
        counted,
        expected.map(|(name, counted, paid)| (name, pounds(counted), pounds(paid)))
    );
    let copied: Vec<(&str, &str)> = findings
        .iter()
        .flat_map(|finding| {
            finding
                .same_total_as
                .iter()
                .map(|other| (finding.project.as_str(), other.as_str()))
        })
        .collect();
    assert_eq!(
        copied,
        [
            ("Home Group", "Local Solutions"),
            ("Local Solutions", "Home Group")
        ]
    );
    let projects = by_project(metrics);
    // Where the cap binds, what was paid is the cap.
    for (id, paid) in [
        ("INDIGO-POJ-0133", 1_654_340),
        ("INDIGO-POJ-0134", 2_513_800),
    ] {
        let history = replay(&projects[id], period(), Some(pounds(paid))).unwrap();
        assert_eq!(history.evaluation.total, pounds(paid));
        let full: i128 = history
            .evaluation
            .outcomes
            .iter()
            .map(|outcome| outcome.full_minor_units)
            .sum();
        assert!(full > pounds(paid).minor_units());
    }
}

#[test]
fn metrics_are_written_as_they_are_read() {
    let read = metrics(CARE_LEAVERS.as_bytes()).unwrap();
    let mut written = Vec::new();
    write_metrics(&read, &mut written).unwrap();
    assert_eq!(metrics(written.as_slice()).unwrap(), read);
    let projects = by_project(read);
    let history = replay(&projects["INDIGO-POJ-0123"], period(), None).unwrap();
    let out = metrics_of("INDIGO-POJ-0123", &history.card, &history.evaluation, &[]);
    assert_eq!(
        out[0].actual_payment,
        projects["INDIGO-POJ-0123"][0].actual_payment
    );
    assert_eq!(out[0].results_count, Some(103));
}

#[test]
fn published_rows_that_are_wrong_are_refused_with_their_line() {
    let header = "project_id,project,metric,currency,unit_price,results_count\n";
    for (row, expected) in [
        ("a,b,c,GBX,1,1", "line 2: unknown currency `GBX`"),
        ("a,b,c,GBP,-1,1", "line 2: `unit_price` is negative"),
        (
            "a,b,c,GBP,1.005,1",
            "line 2: `unit_price`: `1.005` is no amount of GBP",
        ),
        (
            "a,b,c,GBP,1,-1",
            "line 2: `results_count` is no whole number",
        ),
        (
            "a,b,c,GBP,1,1.5",
            "line 2: `results_count` is no whole number",
        ),
        (
            "a,b,c,GBP,1,1\na,b,c,GBP,1,1",
            "line 3: the metric of this project stands above",
        ),
    ] {
        let error = metrics(format!("{header}{row}\n").as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_reference_that_names_persons_is_compared_person_by_person() {
    let projects = by_project(metrics(CARE_LEAVERS.as_bytes()).unwrap());
    let history = replay(&projects["INDIGO-POJ-0123"], period(), None).unwrap();
    let reference = "line,person,day\noutcomemetric11,p00001,2020-01-01\noutcomemetric11,p00002,2020-01-01\noutcomemetric11,x,2020-01-01\n";
    let reference = utfall_claims::reference_counts(&history.card, reference.as_bytes()).unwrap();
    let found = reconcile(
        &history.card,
        &history.claims,
        &history.evaluation,
        &reference,
    );
    let line = found
        .iter()
        .find(|difference| difference.line == "outcomemetric11")
        .unwrap();
    assert_eq!(line.direction, Direction::OtherPersons);
    assert_eq!(
        (
            line.only_claimed.as_slice(),
            line.only_in_reference.as_slice()
        ),
        (&["p00003".to_owned()][..], &["x".to_owned()][..])
    );
    let unknown =
        utfall_claims::reference_counts(&history.card, b"line,count\ntennis,3\n").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "line 2: the rate card has no line `tennis`"
    );
}
