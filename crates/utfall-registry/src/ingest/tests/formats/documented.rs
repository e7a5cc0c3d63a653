//! The examples in the page about formats are parts of contracts that can be used.

use super::*;

const PAGE: &str = include_str!("../../../../FORMATS.md");

#[test]
fn every_example_of_a_format_is_part_of_a_sound_contract() {
    let examples: Vec<&str> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let mut formats = std::collections::BTreeSet::new();
    for example in examples {
        let contract = DataContract::from_toml("FORMATS.md", &contract(example));
        let contract = contract.unwrap_or_else(|error| panic!("{error}\n{example}"));
        formats.insert(contract.format().name());
    }
    for format in &formats {
        assert!(PAGE.contains(&format!("| `{format}` |")), "{format}");
    }
    assert_eq!(formats.len(), 8, "{formats:?}");
}
