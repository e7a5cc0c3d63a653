//! Bundles of real runs, checked in a browser by the page alone and by their reports.

use crate::harness::{Scratch, utfall};

#[path = "../../crates/utfall-report/tests/browser/mod.rs"]
mod browser;

use browser::{Browser, Page};

/// What a page says of a bundle.
fn whole(page: &mut Page<'_>, scratch: &Scratch) -> String {
    page.set_value("received", "2026-06-01");
    page.choose("bundle-file", &scratch.bundle());
    page.wait_for("document.getElementById('verdict') !== null");
    let text = page.evaluate("document.getElementById('verifier-result').innerText");
    assert_eq!(page.refused_by_policy(), Vec::<String>::new());
    text.as_str().unwrap().to_owned()
}

#[test]
fn every_figure_of_a_run_is_one_that_the_page_knows() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("verify.html");
    let written = utfall(&["verify".as_ref(), "--page".as_ref(), alone.as_os_str()]);
    assert_eq!(written.status.code(), Some(0));
    // Ranges without one unit, savings, a model's test before the start, and a gate that fails.
    for (pipeline, code) in [
        ("hemmasittare", 0),
        ("norrkoping", 0),
        ("recidivism", 0),
        ("castle-doctrine", 1),
    ] {
        let scratch = Scratch::copy_of(pipeline);
        let output = scratch.run(&[]);
        assert_eq!(output.status.code(), Some(code), "{pipeline}");
        let report = scratch.workspace().join("report.html");
        for path in [&alone, &report] {
            let said = whole(&mut browser.open(path), &scratch);
            assert!(said.starts_with("Intact."), "{pipeline}: {said}");
            let is_report = said.contains("This page is the report that was sealed");
            assert_eq!(is_report, path == &report, "{pipeline}: {said}");
        }
    }
}
