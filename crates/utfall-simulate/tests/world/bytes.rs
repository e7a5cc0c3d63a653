//! The same specification gives the same bytes.

use std::path::Path;

use crate::made::{bytes, make, spec};

const EVERYTHING_AS_PARQUET: &str = r#"parquet = ["persons", "families", "enrolment", "absence", "referrals", "police-reports", "shelter", "placements", "grades"]"#;

#[test]
fn the_shipped_sample_is_the_output_of_its_specification() {
    let made = bytes(make(&spec(&[])).folder.path());
    let mut shipped = bytes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data"));
    shipped.retain(|name, _| made.contains_key(name));
    assert!(made.len() > 10);
    for (name, content) in &made {
        assert!(
            shipped.get(name) == Some(content),
            "sample-data/{name} is not what its specification makes"
        );
    }
}

#[test]
fn threads_change_no_byte() {
    for form in ["parquet = []", EVERYTHING_AS_PARQUET] {
        let spec = spec(&[
            ("n-families = 3540", "n-families = 1300"),
            (r#"parquet = ["placements", "grades"]"#, form),
        ]);
        let with_threads = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| bytes(make(&spec).folder.path()))
        };
        let one = with_threads(1);
        assert!(with_threads(2) == one && with_threads(8) == one);
    }
}

#[test]
fn families_are_made_independently_of_those_that_follow() {
    let fewer = make(&spec(&[("n-families = 3540", "n-families = 300")]));
    let more = make(&spec(&[("n-families = 3540", "n-families = 700")]));
    let more = bytes(more.folder.path());
    for (name, content) in bytes(fewer.folder.path()) {
        if name.ends_with(".csv") {
            assert!(more[&name].starts_with(&content), "{name}");
        }
    }
}

#[test]
fn a_section_that_is_off_changes_nothing_in_the_others() {
    let all = make(&spec(&[("n-families = 3540", "n-families = 300")]));
    let start = crate::made::WORLD.find("[school]").unwrap();
    let end = crate::made::WORLD.find("[violence]").unwrap();
    let without = crate::made::WORLD[..start].to_owned() + &crate::made::WORLD[end..];
    let without = without.replace("n-families = 3540", "n-families = 300");
    let without = make(&utfall_simulate::Spec::from_toml("world.toml", &without).unwrap());
    let (all, without) = (bytes(all.folder.path()), bytes(without.folder.path()));
    assert!(
        !without.contains_key("franvaro_20240915.csv")
            && !without.contains_key("skolgang_20241201.csv")
    );
    for (name, content) in &without {
        if name != "truth.json" && !name.starts_with("remisser") {
            assert!(&all[name] == content, "{name}");
        }
    }
}

#[test]
fn another_seed_is_another_world() {
    let small = spec(&[("n-families = 3540", "n-families = 100")]);
    let one = make(&small);
    let other = make(&small.with_seed(1));
    assert_eq!(other.truth.seed, 1);
    assert_ne!(bytes(one.folder.path()), bytes(other.folder.path()));
}
