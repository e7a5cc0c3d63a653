//! The page of a design.

use roxmltree::Document;
use utfall_core::Unwatched;
use utfall_design::{DesignSpec, operating_characteristics};
use utfall_payment::Contract;

fn words(page: &str) -> String {
    let document = Document::parse_with_options(
        page,
        roxmltree::ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        },
    )
    .expect("the page is well-formed");
    let mut all = document.descendants();
    let body = all
        .find(|node| node.has_tag_name("body"))
        .expect("it has a body");
    let texts = body.descendants().filter(|node| node.is_text());
    texts
        .filter_map(|node| node.text())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_design_is_drawn_with_the_thresholds_of_its_contract() {
    let contract = Contract::from_toml("contract.toml", include_str!("cases/design-contract.toml"));
    let spec = DesignSpec::from_toml("design.toml", include_str!("cases/design.toml"));
    let (contract, spec) = (
        contract.expect("it is a contract"),
        spec.expect("it is a design"),
    );
    let document = operating_characteristics(&spec, &contract, &Unwatched);
    let page =
        utfall_report::render_design(&document.expect("it is found")).expect("it is written");
    let words = words(&page);
    for told in [
        "Chance of being paid for nothing",
        "as hoped",
        "no effect",
        "Power",
        "percentage points",
    ] {
        assert!(words.contains(told), "{told}");
    }
    // Two thresholds, in two pictures of payment and one of power, each at two widths.
    assert_eq!(page.matches("<line class=\"gate\"").count(), 12);
}
