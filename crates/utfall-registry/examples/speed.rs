use std::time::Instant;
use utfall_core::Unwatched;
use utfall_registry::*;
fn main() {
    let what = std::env::args().nth(1).unwrap();
    let file = std::env::args().nth(2).unwrap();
    let contract = DataContract::from_toml(
        "a",
        r#"
schema = "utfall-data-contract/1"
name = "absence"
title = "a"
format = "csv"
key = ["person", "month"]
[dialect]
delimiter = ";"
quote = '"'
encoding = "windows-1252"
decimal = ","
date = "%Y%m%d"
[[missing]]
code = ".."
means = "missing"
[[column]]
name = "LopNr"
as = "person"
type = "text"
required = true
[[column]]
name = "Manad"
as = "month"
type = "date"
required = true
minimum = "2022-01-01"
maximum = "2024-08-31"
[[column]]
name = "Erbjuden"
as = "offered"
type = "decimal"
decimals = 1
minimum = "0"
maximum = "250"
[[column]]
name = "Giltig"
as = "valid"
type = "decimal"
decimals = 1
minimum = "0"
maximum = "250"
[[column]]
name = "Ogiltig"
as = "invalid"
type = "decimal"
decimals = 1
minimum = "0"
maximum = "250"
"#,
    )
    .unwrap();
    let d = [Delivery {
        path: file.into(),
        vintage: "2024-10-01".parse().unwrap(),
        status: DeliveryStatus::Final,
    }];
    let t = Instant::now();
    if what == "ingest" {
        let out = std::path::Path::new("/root/build/big/out");
        std::fs::create_dir_all(out).unwrap();
        let r = ingest(&contract, &d, out, &Unwatched).unwrap();
        println!(
            "ingest {:?} rows {} accepted {}",
            t.elapsed(),
            r.n_rows(),
            r.n_accepted()
        );
    } else if what == "inspect" {
        let r = inspect(&contract, &d, &Unwatched).unwrap();
        println!(
            "both passes, no write {:?} rows {}",
            t.elapsed(),
            r.n_rows()
        );
    } else {
        // measure
        let mut m = std::collections::BTreeMap::new();
        m.insert(
            "absence".to_owned(),
            (contract, std::path::PathBuf::from("/root/build/big/out")),
        );
        let tables = Tables::open(m).unwrap();
        let unit = UnitSpec {
            name: "p".into(),
            extract: "absence".into(),
            id: "person".into(),
            members: None,
        };
        let units = Units::load(&tables, &unit).unwrap();
        println!("units {:?} {}", t.elapsed(), units.len());
        let t = Instant::now();
        let b = Baseline::new(&tables, &units, "2024-01-01".parse().unwrap());
        let spec = MeasureSpec {
            name: "m".into(),
            extract: "absence".into(),
            member: "person".into(),
            time: Some("month".into()),
            kind: MeasureKind::Ratio {
                numerator: "invalid".into(),
                denominator: "offered".into(),
            },
            r#where: vec![],
        };
        for (s, e) in [("2023-01-01", "2024-01-01"), ("2022-01-01", "2023-01-01")] {
            let v = b
                .measure(
                    &spec,
                    utfall_core::Period::new(s.parse().unwrap(), e.parse().unwrap()).unwrap(),
                )
                .unwrap();
            println!("measure {:?} {:?}", t.elapsed(), v[5]);
        }
    }
}
