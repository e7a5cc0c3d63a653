//! What a report must be, whatever run it tells of.
#![allow(
    clippy::unwrap_used,
    reason = "a page that cannot be read is a failed test"
)]

mod runs;

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};
use runs::Run;

fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("paid", runs::paid()),
        ("placebo", runs::placebo()),
        ("not-measurable", runs::not_measurable()),
        ("savings", runs::savings()),
        ("spotless", runs::spotless()),
        ("hostile", runs::hostile()),
    ]
}

/// The page is written so that it is XML as well as HTML, drawings included.
fn parse(report: &str) -> Document<'_> {
    Document::parse_with_options(
        report,
        ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        },
    )
    .unwrap()
}

fn elements<'a>(document: &'a Document<'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.is_element() && node.tag_name().name() == name)
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

/// All words of the page, with plain spaces.
fn words(report: &str) -> String {
    let document = parse(report);
    let body = elements(&document, "body").next().unwrap();
    text(body).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes the pages beside the tests' other products, for people to look at.
#[test]
fn every_run_has_a_report_and_the_same_run_the_same_bytes() {
    for (name, run) in all() {
        let report = run.report();
        assert_eq!(report, run.report(), "{name}");
        std::fs::write(
            format!("{}/{name}.html", env!("CARGO_TARGET_TMPDIR")),
            report,
        )
        .unwrap();
    }
}

#[test]
fn the_page_is_well_formed_and_every_reference_in_it_resolves() {
    for (name, run) in all() {
        let report = run.report();
        let document = parse(&report);
        let ids: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.attribute("id"))
            .collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: an id occurs twice");
        for node in document.descendants() {
            for reference in node
                .attribute("aria-labelledby")
                .unwrap_or_default()
                .split(' ')
                .filter(|id| !id.is_empty())
            {
                assert!(unique.contains(reference), "{name}: {reference}");
            }
            let target = node.attribute("href");
            if let Some(target) = target.filter(|target| *target != "quality.html") {
                assert!(
                    unique.contains(target.strip_prefix('#').unwrap()),
                    "{name}: {target}"
                );
            }
        }
    }
}

#[test]
fn headings_descend_one_level_at_a_time() {
    for (name, run) in all() {
        let report = run.report();
        let document = parse(&report);
        let levels: Vec<u32> = document
            .descendants()
            .filter_map(|node| node.tag_name().name().strip_prefix('h')?.parse().ok())
            .collect();
        assert_eq!(levels[0], 1, "{name}");
        assert_eq!(
            levels.iter().filter(|level| **level == 1).count(),
            1,
            "{name}"
        );
        assert!(
            levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
            "{name}: {levels:?}"
        );
    }
}

#[test]
fn the_page_loads_nothing_and_runs_the_script_that_checks_bundles_alone() {
    for (name, run) in all() {
        let report = run.report();
        let document = parse(&report);
        for element in [
            "img", "link", "iframe", "object", "embed", "form", "base", "image", "use",
        ] {
            assert_eq!(
                elements(&document, element).count(),
                0,
                "{name}: <{element}>"
            );
        }
        let script = report.split("<script>").nth(1).unwrap();
        let script = script.split("</script>").next().unwrap();
        let alone = utfall_report::render_verifier().unwrap();
        assert!(alone.contains(script), "{name}: another script");
        assert_eq!(elements(&document, "script").count(), 1, "{name}");
        let policy = elements(&document, "meta")
            .find_map(|meta| {
                meta.attribute("content")
                    .filter(|c| c.contains("default-src"))
            })
            .unwrap();
        assert!(
            policy
                .starts_with("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
        );
        assert!(!policy.contains("unsafe-eval") && !policy.contains("http"));
        for node in document.descendants() {
            for attribute in node.attributes() {
                let loads = attribute.name() == "src"
                    || attribute.name() == "style"
                    || attribute.name().starts_with("on");
                assert!(!loads, "{name}: {attribute:?}");
            }
        }
        let style = text(elements(&document, "style").next().unwrap());
        assert!(
            !style.contains("url(") && !style.contains("@import"),
            "{name}"
        );
    }
}

#[test]
fn every_picture_is_told_in_words_and_followed_by_a_table() {
    for (name, run) in all() {
        let report = run.report();
        let document = parse(&report);
        for drawing in elements(&document, "svg") {
            assert_eq!(drawing.attribute("role"), Some("img"), "{name}");
            let told = |tag: &str| {
                drawing.children().any(|node| {
                    node.has_tag_name(("http://www.w3.org/2000/svg", tag)) && !text(node).is_empty()
                })
            };
            assert!(told("title") && told("desc"), "{name}");
        }
        for figure in elements(&document, "figure") {
            let has_table = figure
                .next_siblings()
                .any(|node| node.descendants().any(|node| node.has_tag_name("table")));
            assert!(has_table, "{name}");
        }
    }
}

#[test]
fn hostile_names_are_shown_and_never_obeyed() {
    let report = runs::hostile().report();
    assert_eq!(report.matches("<script").count(), 1);
    assert!(!report.contains("<img"));
    assert!(
        !report.contains('\u{0}') && !report.contains('\u{1b}') && !report.contains('\u{202e}')
    );
    let shown = words(&report);
    assert!(
        shown.contains("<script>alert('1')</script>\"><img src=x onerror=alert(2)> & {{ 7 * 7 }}")
    );
}

#[test]
fn a_payment_is_told_with_every_number_behind_it() {
    let shown = words(&runs::paid().report());
    for expected in [
        "Payment due 1 200 000 SEK",
        "“For the fall in invalid absence” pays 1 000 000 SEK (fall-in-points 6.03 ≥ 5) and “For each pupil",
        "once absence has fallen” pays 750 000 SEK; the contract’s cap lowers the sum to 1 200 000 SEK.",
        "1 750 000 lowered to the cap 1 200 000",
        "−6.0 percentage points 95 % interval −8.0 to −4.0",
        "Treated pupils that found a comparator ≈ 410 treated, ≈ 1 195 comparators",
        "Unadjusted",
        "7.6 to 10.8",
        "18.2 %",
        "24.2 %",
        "−24.9 %",
        "The municipality",
        "800 000.00 SEK",
        "400 000.00 SEK",
        "≈ 12 410",
        "0.914",
        "0.031",
        "1 750 000",
        "297 792",
        "utfall verify BUNDLE",
    ] {
        let spaced = |text: &str| text.replace(['\u{a0}', '\u{202f}'], " ");
        assert!(spaced(&shown).contains(&spaced(expected)), "{expected}");
    }
    assert!(
        shown.contains(&"a19d0c2b7a5e8d1f".repeat(4))
            && shown.contains(&"77e1b0a94c3d2f68".repeat(4))
    );
}

#[test]
fn thresholds_are_marked_on_the_axis_of_the_effect() {
    let shown = words(&runs::paid().report());
    for expected in ["threshold −2", "threshold −5", "threshold −8"] {
        assert!(shown.contains(expected), "{expected}");
    }
}

#[test]
fn a_threshold_on_a_total_lies_on_the_axis_of_one_unit() {
    let shown = words(&runs::savings().report()).replace(['\u{a0}', '\u{202f}'], " ");
    // 10 million SEK of savings on 409 treated are 24 449.878 SEK less for each.
    assert!(shown.contains("threshold −24 449.9"));
    assert!(shown.contains("“Share of the savings up to the capital” pays 6 000 000 SEK"));
}

#[test]
fn a_suppressed_count_is_never_a_number() {
    let report = runs::paid().report();
    let document = parse(&report);
    let row = elements(&document, "tr")
        .find(|row| text(*row).starts_with("referred once at most"))
        .unwrap();
    let cells: Vec<String> = row
        .children()
        .filter(|node| node.has_tag_name("td"))
        .map(text)
        .collect();
    assert_eq!(cells, ["suppressed", "suppressed"]);
    let shown = words(&report);
    for exact in ["412", "409 treated", "6 988", "1 193", "17 treated"] {
        assert!(!shown.replace('\u{202f}', " ").contains(exact), "{exact}");
    }
}

#[test]
fn what_weakens_the_estimate_is_said_before_anything_else() {
    let shown = words(&runs::paid().report());
    for expected in [
        "A few of about 410 treated pupils found no comparator",
        "About 15 treated pupils had equally near comparators",
        "For few or no treated and about 10 comparator pupils the outcome could not be measured",
        "382 rows set aside",
        "near a payment threshold",
    ] {
        assert!(shown.contains(expected), "{expected}");
    }
    assert!(words(&runs::spotless().report()).contains("No warning was raised"));
}

#[test]
fn a_placebo_is_decided_and_paid_nothing() {
    let shown = words(&runs::placebo().report());
    assert!(shown.contains("No payment due 0 SEK"));
    assert!(
        shown.contains(
            "“For the fall in invalid absence” asks for upper-bound < 0, and it is 0.0171"
        )
    );
    assert!(shown.contains("the interval includes no effect"));
}

#[test]
fn what_cannot_be_measured_is_neither_success_nor_zero() {
    let report = runs::not_measurable().report();
    let shown = words(&report);
    assert!(shown.contains("Not measurable No amount"));
    assert!(shown.contains("3 treated pupils have the outcome, expected at least 10"));
    assert!(shown.contains("The balance gate is not passed"));
    assert!(shown.contains("−0.137 outside"));
    assert!(
        !report.contains("effects-wide"),
        "there is no estimate to draw"
    );
}
