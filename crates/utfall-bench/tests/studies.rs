//! A small version of the simulation studies.

use utfall_bench::studies::{Expected, Verdict, all};

#[test]
fn estimators_cover_where_they_are_meant_to_and_fail_where_they_are_known_to() {
    let mut surprises = Vec::new();
    for study in all() {
        let finding = study.run(20, 400);
        if finding.verdict() == Verdict::Surprise {
            surprises.push(finding.line());
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn an_estimator_that_covers_is_unbiased_and_its_test_has_its_size() {
    for study in all() {
        if study.expected != Expected::Covers || study.estimator.starts_with("Anderson") {
            continue;
        }
        let finding = study.run(21, 400);
        let (bias, error) = (finding.planted.bias, finding.planted.bias_error);
        assert!(bias.abs() < 4.0 * error + 0.02, "{}", finding.line());
        assert!(finding.nil.rejected() < 0.10, "{}", finding.line());
    }
}

#[test]
fn the_same_seed_gives_the_same_study_on_any_number_of_threads() {
    let study = all()[0];
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be made")
            .install(|| study.run(5, 100).planted)
    };
    assert_eq!(with(1), with(3));
}
