//! The specifications kept with the crate are read.

#[test]
fn the_million_pupils_are_a_specification() {
    let text = include_str!("../../specs/million.toml");
    let spec = utfall_simulate::Spec::from_toml("million.toml", text).unwrap();
    assert_eq!(spec.n_families(), 500_000);
}
