//! Tables by hand: what each policy shows, what is refused, and how large they may be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use utfall_disclosure::{
    Cell, Dimension, DisclosureError, FormerRelease, Policy, Population, ReleasedSet, Row, Table,
    TableSet,
};

fn set(text: &str) -> TableSet {
    toml::from_str(text).unwrap()
}

fn at(codes: &[(&str, &str)]) -> BTreeMap<String, String> {
    codes
        .iter()
        .map(|(dimension, code)| ((*dimension).to_owned(), (*code).to_owned()))
        .collect()
}

fn shown(released: &ReleasedSet, codes: &[(&str, &str)]) -> Cell {
    released.tables[0].cell(&at(codes)).unwrap()
}

const ROW_OF_FOUR: &str = "
    [[dimension]]
    name = 'school'
    codes = [{ label = 'a' }, { label = 'b' }, { label = 'c' }, { label = 'd' }]

    [[table]]
    name = 'absent pupils by school'
    population = 'pupils'
    dimensions = ['school']
    rows = [{ at = ['a'], n = 3 }, { at = ['b'], n = 8 }, { at = ['c'], n = 16 }, { at = ['d'], n = 23 }]
";

fn round_seven_five() -> Policy {
    toml::from_str("kind = 'round'\nredact-at-most = 7\nbase = 5").unwrap()
}

#[test]
fn seven_are_redacted_the_rest_rounded_and_the_total_is_of_the_rounded() {
    let protection = set(ROW_OF_FOUR).protect(&round_seven_five(), &[]).unwrap();
    let released = protection.released.get();
    let cells = ["a", "b", "c", "d"].map(|school| shown(released, &[("school", school)]));
    assert_eq!(
        cells,
        [
            Cell::Suppressed,
            Cell::Rounded(10),
            Cell::Rounded(15),
            Cell::Rounded(25)
        ]
    );
    assert_eq!(shown(released, &[]), Cell::Rounded(50));
    assert!(!released.covers);
    assert_eq!(protection.audit.fewest_values, Some(8));
}

#[test]
fn under_acro_a_small_cell_is_covered_by_another_or_by_the_total() {
    let protection = set(ROW_OF_FOUR).protect(&Policy::acro(), &[]).unwrap();
    let released = protection.released.get();
    let cells = ["a", "b", "c", "d"].map(|school| shown(released, &[("school", school)]));
    // 3 and 8 are small and cover each other: 3 + 8 = 11 leaves 0 to 11, twelve values, of each.
    assert_eq!(
        cells,
        [
            Cell::Suppressed,
            Cell::Suppressed,
            Cell::Exact(16),
            Cell::Exact(23)
        ]
    );
    assert_eq!(shown(released, &[]), Cell::Exact(50));
    assert_eq!(protection.audit.fewest_values, Some(10));
    assert_eq!(protection.audit.n_suppressed, 2);
}

#[test]
fn two_small_cells_whose_sum_is_small_are_covered_by_more() {
    let text = ROW_OF_FOUR.replace("n = 8", "n = 4");
    let protection = set(&text).protect(&Policy::acro(), &[]).unwrap();
    // 3 + 4 = 7 would leave eight values, fewer than ten.
    assert_eq!(protection.audit.n_suppressed, 3);
    assert_eq!(protection.audit.fewest_values, Some(10));
}

#[test]
fn a_crossing_below_three_is_suppressed_and_a_selected_population_counts_as_one() {
    let text = ROW_OF_FOUR.replace("n = 3", "n = 2");
    let whole = set(&text)
        .protect(&Policy::danish_microdata(Population::Whole), &[])
        .unwrap();
    assert_eq!(whole.audit.n_suppressed, 0);
    let selected = set(&text)
        .protect(&Policy::danish_microdata(Population::Selected), &[])
        .unwrap();
    assert_eq!(
        shown(selected.released.get(), &[("school", "a")]),
        Cell::Suppressed
    );
    assert_eq!(selected.audit.n_suppressed, 2);
}

#[test]
fn midpoints_stand_in_every_cell_and_add_up() {
    let protection = set(ROW_OF_FOUR)
        .protect(&Policy::midpoint_6(), &[])
        .unwrap();
    let released = protection.released.get();
    let cells = ["a", "b", "c", "d"].map(|school| shown(released, &[("school", school)]));
    assert_eq!(cells, [3, 9, 15, 21].map(Cell::Rounded));
    assert_eq!(shown(released, &[]), Cell::Rounded(48));
}

/// Sums of 12 000 kronor: one household with all but 500 of it (n-k), two of about the same beside
/// little else (p-ratio: 500 is below a tenth of 6 000), many alike, and few.
const SUMS: &str = "
    [[dimension]]
    name = 'area'
    codes = [{ label = 'one' }, { label = 'two' }, { label = 'many' }, { label = 'few' }, { label = 'others' }]

    [[table]]
    name = 'support by area'
    population = 'households'
    measure = 'support, kronor'
    dimensions = ['area']
    rows = [
        { at = ['one'], n = 12, sum = { total = 12000, largest = [11500, 100] } },
        { at = ['two'], n = 12, sum = { total = 12000, largest = [6000, 5500] } },
        { at = ['many'], n = 40, sum = { total = 80000, largest = [3000, 2900] } },
        { at = ['few'], n = 9, sum = { total = 9000, largest = [1000, 1000] } },
        { at = ['others'], n = 400, sum = { total = 900000, largest = [9000, 8000] } },
    ]
";

#[test]
fn sums_that_few_dominate_are_suppressed_and_stay_wider_than_their_largest_unit() {
    let protection = set(SUMS).protect(&Policy::acro(), &[]).unwrap();
    let released = protection.released.get();
    let cells = ["one", "two", "few"].map(|area| shown(released, &[("area", area)]));
    assert_eq!(cells, [Cell::Suppressed; 3]);
    assert_eq!(shown(released, &[("area", "others")]), Cell::Exact(900_000));
    assert!(protection.audit.n_protected >= 3);
    assert!(protection.audit.fewest_values >= Some(1_001));
}

#[test]
fn a_table_of_sums_needs_a_policy_that_knows_sums() {
    let error = set(SUMS).protect(&round_seven_five(), &[]).unwrap_err();
    assert!(
        matches!(error, DisclosureError::SumsUnderCounts { .. }),
        "{error}"
    );
}

/// The same pupils by school, without school d's: the small cell of an earlier release must not be
/// found from the new one.
#[test]
fn a_later_table_does_not_give_back_what_an_earlier_one_kept() {
    let tables = set(ROW_OF_FOUR);
    let first = tables.protect(&Policy::acro(), &[]).unwrap();
    assert_eq!(
        shown(first.released.get(), &[("school", "b")]),
        Cell::Suppressed
    );
    let former = [FormerRelease {
        tables,
        released: first.released.get().clone(),
    }];
    let second = "
        [[dimension]]
        name = 'school'
        codes = [{ label = 'a' }, { label = 'b' }, { label = 'c' }, { label = 'd' }]
        [[dimension]]
        name = 'sex'
        codes = [{ label = 'girls' }, { label = 'boys' }]

        [[table]]
        name = 'by school and sex'
        population = 'pupils'
        dimensions = ['school', 'sex']
        rows = [
            { at = ['a', 'girls'], n = 2 }, { at = ['a', 'boys'], n = 1 },
            { at = ['b', 'girls'], n = 4 }, { at = ['b', 'boys'], n = 4 },
            { at = ['c', 'girls'], n = 16 }, { at = ['d', 'girls'], n = 10 }, { at = ['d', 'boys'], n = 13 },
        ]
    ";
    let second = set(second).protect(&Policy::acro(), &former).unwrap();
    let released = second.released.get();
    // The 16 of school c are known; what is new is suppressed as far as it must be.
    assert_eq!(shown(released, &[("school", "c")]), Cell::Exact(16));
    assert_eq!(shown(released, &[("school", "b")]), Cell::Suppressed);
    assert_eq!(second.audit.fewest_values, Some(10));
}

#[test]
fn what_an_earlier_release_gave_away_is_counted_and_no_release_is_refused_for_it() {
    let tables = set(ROW_OF_FOUR);
    let none: Policy = toml::from_str("kind = 'none'\nreason = 'published'").unwrap();
    let released = tables.protect(&none, &[]).unwrap().released.get().clone();
    let former = [FormerRelease {
        tables: tables.clone(),
        released,
    }];
    let again = tables.protect(&Policy::acro(), &former).unwrap();
    assert_eq!(again.audit.n_known_before, 2);
}

/// An earlier release shows pupils outside the programme by school; showing all pupils as well would
/// tell how many take part.
#[test]
fn a_small_difference_of_two_populations_is_protected() {
    let text = "
        [[dimension]]
        name = 'school'
        codes = [{ label = 'a' }, { label = 'b' }]
        [[table]]
        name = 'all'
        population = 'pupils'
        dimensions = ['school']
        rows = [{ at = ['a'], n = 100 }, { at = ['b'], n = 200 }]
        [[table]]
        name = 'others'
        population = 'pupils outside the programme'
        dimensions = ['school']
        rows = [{ at = ['a'], n = 97 }, { at = ['b'], n = 150 }]
        [[difference]]
        whole = 'pupils'
        part = 'pupils outside the programme'
    ";
    let protection = set(text).protect(&Policy::acro(), &[]).unwrap();
    assert_eq!(protection.audit.fewest_values, Some(10));
    assert!(protection.audit.n_suppressed >= 1);
    let unlinked = text.split("[[difference]]").next().unwrap();
    assert_eq!(
        set(unlinked)
            .protect(&Policy::acro(), &[])
            .unwrap()
            .audit
            .n_suppressed,
        0
    );
}

#[test]
fn tables_that_contradict_themselves_are_refused_with_the_place() {
    let wrong = |from: &str, to: &str| {
        let text = ROW_OF_FOUR.replace(from, to);
        assert_ne!(text, ROW_OF_FOUR);
        set(&text)
            .protect(&Policy::acro(), &[])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        wrong("at = ['b']", "at = ['e']"),
        "`absent pupils by school`: row 2 has no finest code of dimension `school`"
    );
    assert_eq!(
        wrong("at = ['b']", "at = ['a']"),
        "`absent pupils by school`: row 2 has the codes of another row"
    );
    assert_eq!(
        wrong("at = ['b']", "at = ['a', 'b']"),
        "`absent pupils by school`: row 2 has 2 codes, expected 1"
    );
    assert_eq!(
        wrong("dimensions = ['school']", "dimensions = ['town']"),
        "`absent pupils by school`: there is no dimension `town`"
    );
    assert!(wrong("n = 23", "n = 9000000000000000000").contains("larger than"));
    assert!(
        wrong("n = 23", "n = 23, sum = { total = 3, largest = [1, 1] }")
            .contains("names no measure")
    );
}

/// Pupils by school and sex, and by school and year: no sum links a sex with a year.
#[test]
fn the_table_behind_two_others_is_reckoned_with_if_it_is_given() {
    let text = |behind: &str| {
        format!(
            "
            [[dimension]]
            name = 'sex'
            codes = [{{ label = 'girls' }}, {{ label = 'boys' }}]
            [[dimension]]
            name = 'year'
            codes = [{{ label = 'y1' }}, {{ label = 'y2' }}]
            [[table]]
            name = 'by sex'
            population = 'pupils'
            dimensions = ['sex']
            rows = [{{ at = ['girls'], n = 20 }}, {{ at = ['boys'], n = 14 }}]
            [[table]]
            name = 'by year'
            population = 'pupils'
            dimensions = ['year']
            rows = [{{ at = ['y1'], n = 17 }}, {{ at = ['y2'], n = 17 }}]
            {behind}
            "
        )
    };
    let alone = set(&text("")).protect(&Policy::acro(), &[]).unwrap();
    assert!(alone.audit.through_sums_alone);
    let behind = "
        [[table]]
        name = 'by both'
        population = 'pupils'
        dimensions = ['sex', 'year']
        behind = true
        rows = [
            { at = ['girls', 'y1'], n = 10 }, { at = ['girls', 'y2'], n = 10 },
            { at = ['boys', 'y1'], n = 7 }, { at = ['boys', 'y2'], n = 7 },
        ]
    ";
    let whole = set(&text(behind)).protect(&Policy::acro(), &[]).unwrap();
    assert!(!whole.audit.through_sums_alone);
    assert_eq!(whole.released.get().tables.len(), 2);
    assert!(
        !serde_json::to_string(&whole.released)
            .unwrap()
            .contains("by both")
    );
}

#[test]
fn linked_tables_that_disagree_are_refused() {
    let text = format!(
        "{ROW_OF_FOUR}\n[[table]]\nname = 'again'\npopulation = 'pupils'\ndimensions = []\nrows = [{{ at = [], n = 49 }}]"
    );
    let error = set(&text)
        .protect(&Policy::acro(), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`again`: a cell is not the same"),
        "{error}"
    );
}

/// A table of two dimensions whose counts look random, one in seven of them small.
fn large(n_codes: usize, shift: u64) -> TableSet {
    let labels = |letter: char| (0..n_codes).map(move |code| format!("{letter}{code}"));
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ shift;
    let mut rows = Vec::new();
    for row in labels('r') {
        for column in labels('c') {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            rows.push(Row {
                at: vec![row.clone(), column],
                n: (state >> 33) % 70,
                sum: None,
            });
        }
    }
    TableSet {
        dimensions: vec![
            Dimension::flat("row", labels('r')).unwrap(),
            Dimension::flat("column", labels('c')).unwrap(),
        ],
        tables: vec![Table {
            name: "large".to_owned(),
            population: "persons".to_owned(),
            measure: None,
            dimensions: vec!["row".to_owned(), "column".to_owned()],
            behind: false,
            rows,
        }],
        differences: Vec::new(),
    }
}

#[test]
fn a_hundred_by_a_hundred_table_is_protected_and_attacked_exactly() {
    let set = large(100, 0);
    let start = std::time::Instant::now();
    let protection = set.protect(&Policy::acro(), &[]).unwrap();
    println!("{:?} {:?}", start.elapsed(), protection.audit);
    let audit = &protection.audit;
    assert_eq!(audit.n_released, 101 * 101);
    assert!(audit.n_protected > 1_000);
    assert_eq!(audit.n_exact, audit.n_protected);
    assert_eq!(audit.fewest_values, Some(10));
    // Most of what covers others is small itself.
    assert!(audit.n_suppressed < audit.n_protected * 3 / 2);
}

#[test]
fn rows_in_any_order_give_the_same_release() {
    let mut set = large(12, 7);
    let protect = |set: &TableSet| set.protect(&Policy::acro(), &[]).unwrap();
    let first = protect(&set);
    set.tables[0].rows.reverse();
    assert_eq!(protect(&set).released, first.released);
}
