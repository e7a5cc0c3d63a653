//! Specifications of risk sets, drawn.

use std::num::NonZeroU32;

use proptest::prelude::*;
use utfall_matching::{Caliper, CaliperScale, LaterTreated, RiskSetReuse, RiskSetSpec};

pub(crate) fn spec() -> impl Strategy<Value = RiskSetSpec> {
    let reuse = prop_oneof![
        Just(RiskSetReuse::Once),
        Just(RiskSetReuse::OncePerIndexDate),
        Just(RiskSetReuse::Allow)
    ];
    let later = prop_oneof![Just(LaterTreated::Eligible), Just(LaterTreated::Excluded)];
    let width = prop::option::of((1_u8..6).prop_map(|width| f64::from(width) * 0.25));
    (1_u32..4, width, reuse, later).prop_map(|(ratio, width, reuse, later_treated)| RiskSetSpec {
        ratio: NonZeroU32::new(ratio).unwrap(),
        caliper: width.map(|width| Caliper::new(width, CaliperScale::Raw).unwrap()),
        reuse,
        later_treated,
    })
}
