//! How a clean row is spoilt, one kind of fault each.

use super::Sheet;

/// A fault: where it goes, how the row is spoilt, and the rule it breaks.
pub(crate) struct Recipe {
    pub(crate) extract: &'static str,
    /// Id of the rule.
    pub(crate) rule: &'static str,
    /// The first row that may be spoilt, how far apart, and this recipe's own place among them.
    pub(crate) first_row: usize,
    pub(crate) step: usize,
    pub(crate) offset: usize,
    /// Spoils a row and tells every row that then breaks the rule.
    pub(crate) spoil: fn(&mut Sheet, usize) -> Vec<usize>,
}

/// A fault in a row of absence. Recipes lie 60 rows apart and spoil every second row.
const fn absence(
    rule: &'static str,
    offset: usize,
    spoil: fn(&mut Sheet, usize) -> Vec<usize>,
) -> Recipe {
    Recipe {
        extract: "absence",
        rule,
        first_row: 3,
        step: 2,
        offset: offset * 60,
        spoil,
    }
}

/// A fault in the enrolment of someone of whom no absence is kept.
const fn enrolment(
    rule: &'static str,
    offset: usize,
    spoil: fn(&mut Sheet, usize) -> Vec<usize>,
) -> Recipe {
    Recipe {
        extract: "enrolment",
        rule,
        first_row: 200,
        step: 1,
        offset: offset * 20,
        spoil,
    }
}

/// A fault in the row of a person who is not enrolled.
const fn persons(
    rule: &'static str,
    offset: usize,
    spoil: fn(&mut Sheet, usize) -> Vec<usize>,
) -> Recipe {
    Recipe {
        extract: "persons",
        rule,
        first_row: 400,
        step: 2,
        offset: offset * 20,
        spoil,
    }
}

/// Puts values into cells of a row.
fn put(sheet: &mut Sheet, row: usize, cells: &[(&str, &str)]) -> Vec<usize> {
    for (name, value) in cells {
        let column = sheet.column(name);
        sheet.rows[row][column] = (*value).to_owned();
    }
    vec![row]
}

/// Adds a copy of a row with some other values, and tells where it lies.
fn copy(sheet: &mut Sheet, row: usize, cells: &[(&str, &str)]) -> usize {
    let copied = sheet.rows[row].clone();
    sheet.rows.push(copied);
    let last = sheet.rows.len() - 1;
    put(sheet, last, cells);
    last
}

pub(crate) const RECIPES: &[Recipe] = &[
    absence("ragged", 0, |sheet, row| {
        sheet.rows[row].push(String::new());
        vec![row]
    }),
    absence("quote:room", 1, |sheet, row| {
        put(sheet, row, &[("room", "\"A1\"2")])
    }),
    absence("encoding:reason", 2, |sheet, row| {
        put(sheet, row, &[("reason", "@")]);
        let text = sheet.rows[row].join(";").into_bytes();
        // A byte that code page 1252 has no character for.
        let raw = text
            .into_iter()
            .map(|byte| if byte == b'@' { 0x81 } else { byte })
            .collect();
        sheet.raw.insert(row, raw);
        vec![row]
    }),
    absence("control-character:reason", 3, |sheet, row| {
        put(sheet, row, &[("reason", "a\0b")])
    }),
    absence("type:month", 4, |sheet, row| {
        put(sheet, row, &[("month", "2024-02-30")])
    }),
    absence("type:offered", 5, |sheet, row| {
        put(sheet, row, &[("offered", "12O,0")])
    }),
    absence("type:days", 6, |sheet, row| {
        put(sheet, row, &[("days", "9223372036854775808")])
    }),
    absence("type:year", 7, |sheet, row| {
        put(sheet, row, &[("year", "24")])
    }),
    absence("type:late", 8, |sheet, row| {
        put(sheet, row, &[("late", "kanske")])
    }),
    absence("type:at", 9, |sheet, row| {
        put(
            sheet,
            row,
            &[
                ("status", "part"),
                ("late", "ja"),
                ("at", "2024-09-01 24:00"),
            ],
        )
    }),
    absence("decimals:offered", 10, |sheet, row| {
        put(sheet, row, &[("offered", "120,05")])
    }),
    absence("required:status", 11, |sheet, row| {
        put(sheet, row, &[("status", "..")])
    }),
    absence("minimum:days", 12, |sheet, row| {
        put(sheet, row, &[("days", "-1")])
    }),
    absence("maximum:days", 13, |sheet, row| {
        put(sheet, row, &[("days", "32")])
    }),
    absence("length:reason", 14, |sheet, row| {
        put(sheet, row, &[("reason", "much too long")])
    }),
    absence("pattern:room", 15, |sheet, row| {
        put(sheet, row, &[("room", "a12")])
    }),
    absence("code:municipality", 16, |sheet, row| {
        put(sheet, row, &[("municipality", "9999")])
    }),
    absence("code-date:municipality", 17, |sheet, row| {
        put(sheet, row, &[("municipality", "0199")])
    }),
    enrolment("not-before:stop", 0, |sheet, row| {
        put(sheet, row, &[("stop", "2023-07-31")])
    }),
    absence("compare:total", 18, |sheet, row| {
        put(sheet, row, &[("offered", "9,9")])
    }),
    absence("sum:total", 19, |sheet, row| {
        put(sheet, row, &[("total", "10,1")])
    }),
    absence("required-if:reason", 20, |sheet, row| {
        put(sheet, row, &[("status", "none")])
    }),
    absence("absent-if:at", 21, |sheet, row| {
        put(sheet, row, &[("at", "2024-09-01 08:15")])
    }),
    absence("combination:status", 22, |sheet, row| {
        put(sheet, row, &[("late", "ja")])
    }),
    absence("duplicate-row", 23, |sheet, row| {
        vec![copy(sheet, row, &[])]
    }),
    absence("key-conflict", 24, |sheet, row| {
        vec![row, copy(sheet, row, &[("days", "3")])]
    }),
    absence("unique:receipt", 25, |sheet, row| {
        let receipt = sheet.rows[row][sheet.column("receipt")].clone();
        put(sheet, row + 1, &[("receipt", &receipt)]);
        vec![row, row + 1]
    }),
    persons("unique:card", 0, |sheet, row| {
        let card = sheet.rows[row][sheet.column("card")].clone();
        put(sheet, row + 1, &[("card", &card)]);
        vec![row, row + 1]
    }),
    persons("type:born", 1, |sheet, row| {
        put(sheet, row, &[("born", "20100229")])
    }),
    enrolment("foreign-key:person", 1, |sheet, row| {
        let stranger = format!("X{row:04}");
        put(sheet, row, &[("person", &stranger)])
    }),
    enrolment("overlap:start", 2, |sheet, row| {
        let other = copy(
            sheet,
            row,
            &[("start", "2025-06-14"), ("stop", "2025-12-01")],
        );
        vec![row, other]
    }),
    // One for each person: two in one month would conflict.
    Recipe {
        step: 12,
        ..absence("within-episode:month", 26, |sheet, row| {
            put(sheet, row, &[("month", "2025-07-01")])
        })
    },
    enrolment("compare-across:start", 3, |sheet, row| {
        put(
            sheet,
            row,
            &[("start", "1999-08-01"), ("stop", "1999-09-01")],
        )
    }),
];
