//! Each treated pupil, on the day after its own referral, compared with pupils not referred by then, by
//! what was known of them on that day.

use std::collections::{BTreeMap, BTreeSet};

use crate::cohorts::{refused, rows, with_entry};
use crate::harness::{Scratch, texts};
use crate::repeatable::{same_in_any_order, same_on_any_threads};

const AT_REFERRAL: &str = "[cohort.entry]\nkind = \"at-referral\"\nsince = \"-3 months\"\n";

/// `hemmasittare` by risk sets under a rule of reuse.
fn by_risk_sets(reuse: &str, later_treated: &str) -> Scratch {
    let scratch = Scratch::copy_of("hemmasittare");
    with_entry(&scratch, AT_REFERRAL);
    let path = scratch.pipeline().join("plan.toml");
    let plan = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = plan.split_once("[matching.nearest]").unwrap();
    let (_, after) = rest.split_once("[balance]").unwrap();
    let method = format!(
        "[matching.risk-set]\nratio = 3\ncaliper = {{ width = 0.2, scale = \"sd-of-distance\" }}\nreuse = \"{reuse}\"\nlater-treated = \"{later_treated}\"\n"
    );
    std::fs::write(path, format!("{before}{method}\n[balance]{after}")).unwrap();
    scratch.edit(
        "plan.toml",
        "clusters = [\"matched-set\"]",
        "clusters = [\"matched-set\", \"unit\"]",
    );
    scratch
}

/// The first referral of each pupil since June, from the extract itself.
fn referrals(scratch: &Scratch) -> BTreeMap<String, chrono::NaiveDate> {
    let bytes = std::fs::read(scratch.data().join("remisser_20241201.csv")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut first = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(';').collect();
        let day = chrono::NaiveDate::parse_from_str(cells[2], "%Y%m%d");
        if let (true, Ok(day)) = (cells[1] == "NARVARO", day)
            && day >= chrono::NaiveDate::from_ymd_opt(2023, 5, 31).unwrap()
        {
            let held = first.entry(cells[0].to_owned()).or_insert(day);
            *held = day.min(*held);
        }
    }
    first
}

#[test]
fn each_is_compared_on_the_day_after_its_referral_and_the_planted_effect_is_found() {
    for (reuse, later) in [
        ("once", "eligible"),
        ("once-per-index-date", "eligible"),
        ("allow", "eligible"),
        ("once", "excluded"),
    ] {
        let scratch = by_risk_sets(reuse, later);
        let run = scratch.run_well(&[]);
        let referred = referrals(&scratch);
        let matched = rows(&scratch, "matching/matched.csv");
        let mut served: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
        let mut later_treated = BTreeSet::new();
        let mut n_sets = 0;
        for set in matched.chunk_by(|a, b| a[0] == b[0]) {
            let day: chrono::NaiveDate = set[0][2].parse().unwrap();
            n_sets += 1;
            assert_eq!(referred[&set[0][1]].succ_opt(), Some(day), "{set:?}");
            for (place, row) in set.iter().enumerate() {
                assert_eq!(row[2], set[0][2], "one day for a set");
                assert_eq!(row[3] == "treated", place == 0, "{set:?}");
            }
            for row in &set[1..] {
                if let Some(referral) = referred.get(&row[1]) {
                    assert!(*referral >= day, "{row:?} was referred on {referral}");
                    later_treated.insert(row[1].clone());
                }
                let occasion = (reuse == "once-per-index-date").then(|| row[2].clone());
                *served.entry((row[1].clone(), occasion)).or_default() += 1;
            }
        }
        let most = served.values().max().unwrap();
        assert_eq!(*most > 1, reuse == "allow", "{reuse}: {most}");
        assert_eq!(later_treated.is_empty(), later == "excluded");
        let balance = &run["balance"];
        assert_eq!(balance["n-treated-matched"], n_sets);
        let persons: BTreeSet<&String> = served.keys().map(|(person, _)| person).collect();
        assert_eq!(balance["n-comparator-matched"], persons.len());
        let html = std::fs::read_to_string(scratch.workspace().join("report.html")).unwrap();
        let is_told = html.contains("were treated later themselves");
        assert_eq!(is_told, later == "eligible", "{reuse}, {later}");

        let estimate = &run["effects"][0]["result"]["estimate"];
        let bound = |name: &str| estimate["interval"][name].as_f64().unwrap();
        let truth = run["designs"]["truths"][0]["value"].as_f64().unwrap();
        assert!(
            bound("lower") <= truth && truth <= bound("upper") && bound("upper") < -0.03,
            "{reuse}, {later}: {estimate}"
        );
    }
}

#[test]
fn covariates_are_those_of_each_index_date() {
    let scratch = by_risk_sets("once", "eligible");
    scratch.run_well(&[]);
    // Absence in the year before is another year in July than in August.
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let cohort = rows(&scratch, "cohort/cohort.csv");
    for row in &cohort {
        seen.entry(row[0].clone())
            .or_default()
            .insert(row[4].clone());
    }
    let n_changing = seen.values().filter(|values| values.len() > 1).count();
    assert!(n_changing > 1000, "{n_changing} of {}", seen.len());
    // Every unit is a line of the funnel once, whatever the number of days.
    let run = crate::harness::json(&scratch.workspace().join("cohort/funnel.json"));
    let last = run["lines"].as_array().unwrap().last().unwrap();
    assert_eq!(last["n-remaining"], seen.len());
    assert!(cohort.len() > 20 * seen.len());
}

#[test]
fn threads_and_the_order_of_rows_change_no_byte_of_risk_sets() {
    let scratch = by_risk_sets("once-per-index-date", "eligible");
    let alone = same_on_any_threads(&scratch, |scratch, threads| {
        scratch.run_well(threads);
    });
    same_in_any_order(&scratch, &alone);
}

#[test]
fn what_no_risk_set_can_be_made_of_is_refused_with_its_line() {
    for (from, to, said) in [
        (
            AT_REFERRAL,
            "",
            "give the cohort an `entry` of kind `staggered` or `at-referral`",
        ),
        (
            "clusters = [\"matched-set\", \"unit\"]",
            "clusters = [\"matched-set\"]",
            "cluster by `unit`",
        ),
        (
            "window = { start = \"-3 months\", end = \"0 days\" }\nwhere",
            "window = { start = \"-3 months\", end = \"-1 days\" }\nwhere",
            "window ends at `0 days`",
        ),
        (
            "distance = \"propensity-logit\"",
            "distance = \"mahalanobis\"",
            "`risk-set` is on a score",
        ),
        (
            "estimand = \"att\"",
            "estimand = \"atc\"",
            "`risk-set` finds comparators for the treated",
        ),
    ] {
        let scratch = by_risk_sets("once", "eligible");
        scratch.edit("plan.toml", from, to);
        refused(&scratch, &[said, "plan.toml:"]);
    }
    // Nobody serves twice, and nobody treated serves: sets are independent.
    let scratch = by_risk_sets("once", "excluded");
    let clusters = "clusters = [\"matched-set\", \"unit\"]";
    scratch.edit("plan.toml", clusters, "clusters = [\"matched-set\"]");
    let output = scratch.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).0);
}
