//! Two extracts as a school census in England might give them: pupils, and their absence by term.
//!
//! Sessions are half days. A pupil is persistently absent in a year if a tenth or more of the
//! sessions possible are missed. A mentor is given to pupils who missed much in the first year,
//! and lowers absence in the second by a planted effect. Codes of authorities are those of the
//! published list, of which some ended on 1 April 2023; the dirt is of the kinds that such
//! extracts hold, each counted.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use utfall_files::{create_folder, write_whole};
use utfall_stats::draws::Stream;

use crate::error::{SimulateError, SpecError};

/// What makes a school census: `schema`, `seed` and `n-pupils`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CensusSpec {
    schema: CensusSchema,
    seed: u64,
    n_pupils: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
enum CensusSchema {
    #[serde(rename = "utfall-school-census/1")]
    V1,
}

/// What was planted.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CensusTruth {
    /// Version of this file.
    pub schema: String,
    /// The seed.
    pub seed: u64,
    /// Pupils.
    pub n_pupils: u32,
    /// Pupils with a mentor from September 2023.
    pub n_mentored: u32,
    /// What mentors changed of the rate of absence of those who had one, in 2023/24.
    pub effect_on_mentored: f64,
    /// Pupils who missed a tenth or more of their sessions, by school year.
    pub n_persistently_absent: BTreeMap<String, u32>,
    /// Rows planted with each kind of dirt, by extract and id of the rule they break.
    pub dirt: BTreeMap<String, BTreeMap<String, u64>>,
    /// Missing codes planted, by extract and code.
    pub missing: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Codes of authorities in September 2022.
const AUTHORITIES: [&str; 6] = ["301", "330", "380", "838", "909", "940"];

/// The authority that ended on 1 April 2023, and one of those it became.
const ENDED: (&str, &str) = ("909", "942");

/// Terms: school year, name, first day, sessions possible.
const TERMS: [(&str, &str, &str, u64); 6] = [
    ("202223", "Autumn", "05/09/2022", 140),
    ("202223", "Spring", "04/01/2023", 120),
    ("202223", "Summer", "17/04/2023", 120),
    ("202324", "Autumn", "04/09/2023", 140),
    ("202324", "Spring", "08/01/2024", 120),
    ("202324", "Summer", "15/04/2024", 120),
];

/// What a mentor changes of the rate of absence.
const EFFECT: f64 = -0.05;

/// Rate of absence at which a pupil is persistently absent.
const PERSISTENT: f64 = 0.1;

impl CensusSpec {
    /// Whether a text is meant as a school census and not as another world.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.contains("utfall-school-census/")
    }

    /// Reads a specification from TOML.
    ///
    /// # Errors
    ///
    /// [`SpecError`] with the line of the fault.
    pub fn from_toml(source_name: &str, text: &str) -> Result<Self, SpecError> {
        toml::from_str(text).map_err(|error| SpecError::toml(source_name, text, &error))
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// Writes `pupils.csv`, `absence.csv` and, last, `truth.json` into a folder.
///
/// # Errors
///
/// [`SimulateError::Disk`] if a file cannot be written.
pub fn simulate_school_census(
    spec: &CensusSpec,
    folder: &Path,
) -> Result<CensusTruth, SimulateError> {
    create_folder(folder)?;
    let mut census = Census::new(spec);
    for number in 0..spec.n_pupils {
        census.add_pupil(number);
    }
    census.spoil();
    write_whole(
        &folder.join("pupils.csv"),
        text(PUPILS, &census.pupils).as_bytes(),
    )?;
    write_whole(
        &folder.join("absence.csv"),
        text(ABSENCE, &census.absence).as_bytes(),
    )?;
    let truth = census.truth();
    let mut json = serde_json::to_vec_pretty(&truth)?;
    json.push(b'\n');
    write_whole(&folder.join("truth.json"), &json)?;
    Ok(truth)
}

const PUPILS: &str = "PupilMatchingRefAnonymous,MonthOfBirth,Gender,LA,URN,SENprovision,FSMeligible,EntryDate,LeavingDate,MentorStart";
const ABSENCE: &str = "PupilMatchingRefAnonymous,AcademicYear,Term,TermStart,LA,SessionsPossible,AuthorisedAbsence,UnauthorisedAbsence,OverallAbsence,AbsenceRate";

fn text(header: &str, rows: &[Vec<String>]) -> String {
    let rows = rows.iter().map(|row| row.join(",") + "\r\n");
    format!("{header}\r\n{}", rows.collect::<String>())
}

struct Census<'s> {
    spec: &'s CensusSpec,
    pupils: Vec<Vec<String>>,
    absence: Vec<Vec<String>>,
    n_mentored: u32,
    sum_of_effects: f64,
    persistent: BTreeMap<String, u32>,
    dirt: BTreeMap<String, BTreeMap<String, u64>>,
    missing: BTreeMap<String, BTreeMap<String, u64>>,
}

impl<'s> Census<'s> {
    fn new(spec: &'s CensusSpec) -> Self {
        Self {
            spec,
            pupils: Vec::new(),
            absence: Vec::new(),
            n_mentored: 0,
            sum_of_effects: 0.0,
            persistent: BTreeMap::new(),
            dirt: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }

    fn add_pupil(&mut self, number: u32) {
        let mut draws = Stream::new(self.spec.seed, "pupil", u64::from(number));
        let authority = AUTHORITIES[draws.index(AUTHORITIES.len())];
        let id = format!("PMR{number:06}");
        let tendency = 0.03 + 0.12 * draws.uniform() * draws.uniform() + 0.02 * draws.uniform();
        let mentored = tendency > 0.08 && draws.bernoulli(0.4);
        let leaves = draws.bernoulli(0.03);
        let mut missed: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (i, (year, term, start, possible)) in TERMS.into_iter().enumerate() {
            if leaves && i > 3 {
                continue;
            }
            let of_second_year = i >= 3;
            // The same draws with and without a mentor, so that their difference is the effect.
            let chances: Vec<f64> = (0..possible).map(|_| draws.uniform()).collect();
            let effect = if mentored && of_second_year {
                EFFECT
            } else {
                0.0
            };
            let count = |rate: f64| chances.iter().filter(|chance| **chance < rate).count() as u64;
            let absent = count((tendency + effect).max(0.0));
            if mentored && of_second_year {
                let sessions = float(possible);
                self.sum_of_effects += (float(absent) - float(count(tendency))) / sessions;
            }
            let unauthorised = draws.binomial(absent, 0.3);
            let code = if authority == ENDED.0 && i >= 2 {
                ENDED.1
            } else {
                authority
            };
            let rate = format!("{:.2}", float(absent) * 100.0 / float(possible));
            self.absence.push(vec![
                id.clone(),
                year.to_owned(),
                term.to_owned(),
                start.to_owned(),
                code.to_owned(),
                possible.to_string(),
                (absent - unauthorised).to_string(),
                unauthorised.to_string(),
                absent.to_string(),
                rate,
            ]);
            let sums = missed.entry(year).or_default();
            (sums.0, sums.1) = (sums.0 + absent, sums.1 + possible);
        }
        for (year, (absent, possible)) in missed {
            if float(absent) >= PERSISTENT * float(possible) {
                *self.persistent.entry(year.to_owned()).or_default() += 1;
            }
        }
        self.n_mentored += u32::from(mentored);
        let sen = ["N", "N", "N", "N", "K", "K", "E"][draws.index(7)];
        self.pupils.push(vec![
            id,
            format!("{}-{:02}", 2008 + draws.below(6), 1 + draws.below(12)),
            ["F", "M"][draws.index(2)].to_owned(),
            authority.to_owned(),
            (100_000 + draws.below(400)).to_string(),
            sen.to_owned(),
            u8::from(draws.bernoulli(0.25)).to_string(),
            "01/09/2022".to_owned(),
            if leaves {
                "01/01/2024".to_owned()
            } else {
                String::new()
            },
            if mentored {
                "04/09/2023".to_owned()
            } else {
                String::new()
            },
        ]);
    }

    /// Spoils rows, each one once, of pupils who are in no other way special.
    fn spoil(&mut self) {
        let mut draws = Stream::new(self.spec.seed, "dirt", 0);
        let mut order: Vec<usize> = (0..self.absence.len()).collect();
        draws.shuffle(&mut order);
        let mut next = order.into_iter();
        let share = (self.absence.len() / 200).max(1);
        for (rule, cells) in [
            ("sum:OverallAbsence", &[(6, "0"), (7, "31"), (8, "30")][..]),
            (
                "compare:OverallAbsence",
                &[(6, "150"), (7, "0"), (8, "150")],
            ),
            ("code:LA", &[(4, "999")]),
            ("code-date:LA", &[(4, "909")]),
            ("pattern:AcademicYear", &[(1, "2022/23")]),
            ("type:SessionsPossible", &[(5, "12O")]),
            ("maximum:AbsenceRate", &[(9, "112.00")]),
            ("foreign-key:PupilMatchingRefAnonymous", &[(0, "PMR")]),
            ("ragged", &[]),
            ("duplicate-row", &[]),
        ] {
            let wanted = |row: &Vec<String>| match rule {
                // Rows of a term by which the code had ended.
                "code-date:LA" => row[3] == "04/09/2023",
                _ => true,
            };
            let rows: Vec<usize> = next
                .by_ref()
                .filter(|&row| wanted(&self.absence[row]))
                .take(share)
                .collect();
            for row in rows {
                self.spoil_row(rule, row, cells);
            }
        }
        for (code, columns) in [
            ("x", &[6, 7, 8, 9][..]),
            ("z", &[9]),
            (":", &[9]),
            ("..", &[6, 7, 8, 9]),
            ("-1", &[5]),
        ] {
            let rows: Vec<usize> = next.by_ref().take(share).collect();
            for row in rows {
                for &column in columns {
                    self.absence[row][column] = code.to_owned();
                    *self
                        .missing
                        .entry("absence".to_owned())
                        .or_default()
                        .entry(code.to_owned())
                        .or_default() += 1;
                }
            }
        }
    }

    fn spoil_row(&mut self, rule: &str, row: usize, cells: &[(usize, &str)]) {
        let count = self.dirt.entry("absence".to_owned()).or_default();
        *count.entry(rule.to_owned()).or_default() += 1;
        if rule.starts_with("foreign-key") {
            // Who is not in the census is not on roll either.
            *count
                .entry("within-episode:TermStart".to_owned())
                .or_default() += 1;
        }
        match rule {
            "ragged" => self.absence[row].push(String::new()),
            "duplicate-row" => {
                let copy = self.absence[row].clone();
                self.absence.push(copy);
            }
            "foreign-key:PupilMatchingRefAnonymous" => {
                self.absence[row][0] = format!("PMR9{row:05}");
            }
            _ => {
                for &(column, value) in cells {
                    self.absence[row][column] = value.to_owned();
                }
            }
        }
    }

    fn truth(self) -> CensusTruth {
        let n_terms = f64::from(self.n_mentored) * 3.0;
        CensusTruth {
            schema: "utfall-school-census-truth/1".to_owned(),
            seed: self.spec.seed,
            n_pupils: self.spec.n_pupils,
            n_mentored: self.n_mentored,
            effect_on_mentored: if n_terms > 0.0 {
                self.sum_of_effects / n_terms
            } else {
                0.0
            },
            n_persistently_absent: self.persistent,
            dirt: self.dirt,
            missing: self.missing,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "sessions stay far below 2^53")]
fn float(whole: u64) -> f64 {
    whole as f64
}
