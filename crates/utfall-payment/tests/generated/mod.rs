//! Contracts drawn at random from the whole language, and inputs for them.

use std::fmt::Write;

use utfall_payment::{Contract, Input, InputKind, Inputs, Undecided};

/// Draws from a stream of its own for each seed (SplitMix64, Steele et al. 2014).
pub(crate) struct Generator {
    state: u64,
}

const MODES: [&str; 7] = [
    "half-even",
    "half-up",
    "half-down",
    "toward-zero",
    "away-from-zero",
    "floor",
    "ceiling",
];
const OPERATORS: [&str; 5] = [">=", ">", "<=", "<", "="];
const BRANCHES: [&str; 5] = [
    "paid",
    "repayment-due",
    "nothing-due",
    "not-measurable",
    "deferred",
];

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// A number as a contract writes it: small, with up to three decimals, or a fraction.
    fn number(&mut self) -> String {
        let whole = self.below(200);
        match self.below(6) {
            0 => format!("\"{whole}/{}\"", self.below(12) + 1),
            1 => format!("{whole}.{}", self.below(1000)),
            2 => format!("-{whole}"),
            _ => whole.to_string(),
        }
    }

    fn positive(&mut self) -> String {
        (self.below(50) + 1).to_string()
    }

    /// An amount in whole minor units of any currency here, at least 0.
    fn amount(&mut self) -> String {
        (self.below(40) * 50).to_string()
    }

    fn operand(&mut self, names: &[String]) -> String {
        if names.is_empty() || self.one_in(3) {
            self.number()
        } else {
            format!("\"{}\"", names[self.below(names.len())])
        }
    }

    /// Like [`operand`](Self::operand), but a number is a sound amount.
    fn amount_operand(&mut self, names: &[String]) -> String {
        if names.is_empty() || self.one_in(2) {
            self.amount()
        } else {
            format!("\"{}\"", names[self.below(names.len())])
        }
    }

    fn operands(&mut self, names: &[String]) -> String {
        let n = self.below(3) + 1;
        let all: Vec<String> = (0..n).map(|_| self.operand(names)).collect();
        format!("[{}]", all.join(", "))
    }

    pub(crate) fn contract(&mut self) -> String {
        let currency = self.pick(&["SEK", "GBP", "JPY", "KWD"]);
        let at = self.pick(&["line", "total"]);
        let mode = self.pick(&MODES);
        let mut body = String::new();
        let names = self.quantities(&mut body);
        let mut header = format!(
            "schema = \"utfall-contract/1\"\nname = \"generated\"\ntitle = \"Generated\"\n\
             currency = \"{currency}\"\nrounding = {{ mode = \"{mode}\", at = \"{at}\" }}\n"
        );
        if self.one_in(3) {
            let _ = writeln!(header, "cap = {}", self.amount_operand(&names));
            if self.one_in(3) {
                let _ = writeln!(header, "paid-before = {}", self.operand(&names));
            }
        }
        if self.one_in(6) {
            let _ = writeln!(header, "floor = {}", self.amount_operand(&names));
        }
        if self.one_in(5) {
            let excess = self.pick(&["kept", "due-back"]);
            let paid = if self.one_in(3) {
                self.operand(&names)
            } else {
                self.amount()
            };
            let _ = writeln!(
                header,
                "set-off = {{ paid = {paid}, excess = \"{excess}\" }}"
            );
        }
        self.parties(&mut header, &mut body, &names);
        let n_lines = self.below(4) + 1;
        for line in 0..n_lines {
            self.line(&mut body, line, &names, &format!("line-{line}"));
        }
        if n_lines > 1 && self.one_in(3) {
            let _ = writeln!(
                body,
                "[[group]]\nname = \"together\"\nlines = [\"line-0\", \"line-1\"]\ncap = {}",
                self.amount_operand(&names)
            );
            if self.one_in(2) {
                let _ = writeln!(body, "paid-before = {}", self.operand(&names));
            }
        }
        // Uses every quantity, so that none is refused as unused.
        let all: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = writeln!(
            body,
            "[[quantity]]\nname = \"all\"\nkind = \"maximum\"\nof = [{}, 0]\n\
             [[line]]\nname = \"idle\"\nkind = \"fixed\"\namount = 0\n\
             when = {{ quantity = \"all\", operator = \"<\", value = -1 }}",
            all.join(", ")
        );
        if self.one_in(6) {
            self.amendments(&mut body, &names);
        }
        header + &body
    }

    fn quantities(&mut self, body: &mut String) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let with_effect = self.one_in(2);
        if with_effect {
            body.push_str(
                "[[effect]]\nname = \"effect\"\nestimands = [\"att\", \"matched-treated\"]\n\
                 decides-on = [\"point\", \"standard-error\", \"p-value\", \"n-treated\"]\n",
            );
            for figure in ["point", "standard-error", "p-value", "n-treated"] {
                let decimals = if figure == "n-treated" { 0 } else { 4 };
                let sign = if figure == "point" { "flip" } else { "keep" };
                let _ = writeln!(
                    body,
                    "[[quantity]]\nname = \"{figure}\"\nkind = \"input\"\nfrom = \"effect.{figure}\"\n\
                     sign = \"{sign}\"\ndecimals = {decimals}\nrounding = \"{}\"",
                    self.pick(&MODES)
                );
                names.push(figure.to_owned());
            }
            let _ = writeln!(
                body,
                "[[quantity]]\nname = \"adjusted\"\nkind = \"adjusted-p-value\"\nof = \"p-value\"\n\
                 among = [\"p-value\", 0.0{}, 0.{}]\nrule = \"{}\"\n\
                 [[quantity]]\nname = \"chance\"\nkind = \"probability-above\"\npoint = \"point\"\n\
                 standard-error = \"standard-error\"\nthreshold = {}\ndecimals = {}\nrounding = \"{}\"",
                self.below(9) + 1,
                self.below(9) + 1,
                self.pick(&[
                    "none",
                    "bonferroni",
                    "holm",
                    "hochberg",
                    "benjamini-hochberg"
                ]),
                self.number(),
                self.below(10) + 1,
                self.pick(&MODES),
            );
            names.extend(["adjusted".to_owned(), "chance".to_owned()]);
        }
        for index in 0..self.below(3) + 1 {
            let name = format!("input-{index}");
            let _ = writeln!(
                body,
                "[[quantity]]\nname = \"{name}\"\nkind = \"input\"\nfrom = \"in.{index}\"\n\
                 sign = \"{}\"\ndecimals = {}\nrounding = \"{}\"",
                self.pick(&["keep", "keep", "flip"]),
                self.below(4),
                self.pick(&MODES)
            );
            names.push(name);
        }
        for index in 0..self.below(4) {
            let name = format!("derived-{index}");
            let rule = self.rule(&names);
            let _ = writeln!(body, "[[quantity]]\nname = \"{name}\"\n{rule}");
            names.push(name);
        }
        names
    }

    fn rule(&mut self, names: &[String]) -> String {
        match self.below(11) {
            0 => format!("kind = \"constant\"\nvalue = {}", self.number()),
            1 => format!(
                "kind = \"difference\"\nof = {}\nless = {}",
                self.operand(names),
                self.operand(names)
            ),
            2 => format!(
                "kind = \"ratio\"\nof = {}\nto = {}",
                self.operand(names),
                self.operand(names)
            ),
            3 => format!(
                "kind = \"relative-reduction\"\nfrom = {}\nto = {}",
                self.operand(names),
                self.operand(names)
            ),
            4 => format!(
                "kind = \"share-of\"\nof = {}\nshare = {}",
                self.operand(names),
                self.operand(names)
            ),
            5 => format!(
                "kind = \"rounded\"\nof = {}\ndecimals = {}\nrounding = \"{}\"",
                self.operand(names),
                self.below(3),
                self.pick(&MODES)
            ),
            6 => format!(
                "kind = \"compound\"\nof = {}\nrate = 0.0{}\nperiods = {}",
                self.operand(names),
                self.below(9),
                self.below(12)
            ),
            _ => format!(
                "kind = \"{}\"\nof = {}",
                self.pick(&["sum", "product", "minimum", "maximum", "first-available"]),
                self.operands(names)
            ),
        }
    }

    fn parties(&mut self, header: &mut String, body: &mut String, names: &[String]) {
        let shares: &[&str] = match self.below(4) {
            0 => &[],
            1 => &["1"],
            2 => &["\"1/3\"", "\"2/3\""],
            _ => &["0.5", "\"1/3\"", "\"1/6\""],
        };
        if shares.len() > 1 {
            let rule = self.pick(&["largest-remainder", "first-payer", "last-payer"]);
            let _ = writeln!(header, "remainder = \"{rule}\"");
        }
        let mut has_cap = false;
        for (index, share) in shares.iter().enumerate() {
            let _ = writeln!(
                body,
                "[[party]]\nname = \"Payer {index}\"\nrole = \"payer\"\nshare = {share}"
            );
            if self.one_in(4) {
                has_cap = true;
                let _ = writeln!(body, "cap = {}", self.amount_operand(names));
            }
        }
        if has_cap {
            let beyond = self.pick(&["unpaid", "other-payers"]);
            let _ = writeln!(header, "beyond-payer-cap = \"{beyond}\"");
        }
    }

    fn line(&mut self, body: &mut String, index: usize, names: &[String], name: &str) {
        let _ = writeln!(body, "[[line]]\nname = \"{name}\"");
        let clawback = self.one_in(4);
        if clawback {
            body.push_str("clawback = true\n");
        }
        let kind = self.kind(names);
        body.push_str(&kind);
        let pays_on_quantity = !kind.contains("\"fixed\"") && !kind.contains("\"pool\"");
        if pays_on_quantity && self.one_in(4) {
            let _ = if self.one_in(2) {
                writeln!(
                    body,
                    "deadweight = {{ fraction = \"{}/6\" }}",
                    self.below(7)
                )
            } else {
                writeln!(body, "deadweight = {{ fixed = {} }}", self.amount())
            };
        }
        if self.one_in(4) {
            let _ = writeln!(body, "when = {}", self.condition(index, names, 2));
        }
        if self.one_in(5) {
            let _ = writeln!(body, "requires = {}", self.condition(index, names, 1));
        }
        if self.one_in(5) {
            let otherwise = self.pick(&["not-measurable", "deferred", "nothing-due", "amount"]);
            let amount = if otherwise == "amount" {
                format!(", amount = {}", self.amount())
            } else {
                String::new()
            };
            let _ = writeln!(
                body,
                "minimum = {{ of = {}, at-least = {}, otherwise = \"{otherwise}\"{amount} }}",
                self.operand(names),
                self.number()
            );
        }
        if self.one_in(5) {
            let key = self.pick(&["cap", "floor"]);
            let _ = writeln!(
                body,
                "per = {{ of = {}, {key} = {} }}",
                self.operand(names),
                self.amount()
            );
        }
        if self.one_in(4) {
            let _ = writeln!(body, "cap = {}", self.amount_operand(names));
            if self.one_in(3) {
                let _ = writeln!(body, "paid-before = {}", self.operand(names));
            }
        }
        if self.one_in(8) {
            let _ = writeln!(body, "floor = {}", self.amount_operand(names));
        }
    }

    fn kind(&mut self, names: &[String]) -> String {
        match self.below(6) {
            0 => format!(
                "kind = \"fixed\"\namount = {}\n",
                self.amount_operand(names)
            ),
            1 => {
                let price = if self.one_in(2) {
                    self.operand(names).replace('-', "")
                } else {
                    format!("{}.{}", self.below(30), self.below(999))
                };
                // A quantity keeps its hyphens.
                let price = if price.contains('"') && !price.contains('/') {
                    self.amount_operand(names)
                } else {
                    price
                };
                format!(
                    "kind = \"per-unit\"\nunits = {}\nprice = {price}\n",
                    self.operand(names)
                )
            }
            2 => {
                let (a, b) = (self.below(20), self.below(20) + 21);
                format!(
                    "kind = \"share\"\nof = {}\nbands = [{{ from = {a}, to = {b}, share = 0.{} }}, {{ from = {b}, share = \"1/{}\" }}]\n",
                    self.operand(names),
                    self.below(99),
                    self.below(9) + 1
                )
            }
            3 => self.steps(names),
            4 => self.piecewise(names),
            _ => {
                let jump = self.one_in(2);
                let (extra, at_jump) = if jump {
                    (
                        ", { score = 0.5, pays = 0.6 }",
                        format!("at-jump = \"{}\"\n", self.pick(&["before", "after"])),
                    )
                } else {
                    ("", String::new())
                };
                format!(
                    "kind = \"pool\"\namount = {}\nmetrics = [{{ of = {}, from = 0, to = {}, weight = \"1/3\" }}, {{ of = {}, from = {}, to = 0, weight = \"2/3\" }}]\n\
                     performance = [{{ score = 0, pays = 0 }}, {{ score = 0.5, pays = 0.25 }}{extra}, {{ score = 1, pays = 1 }}]\n{at_jump}",
                    self.amount_operand(names),
                    self.operand(names),
                    self.positive(),
                    self.operand(names),
                    self.positive(),
                )
            }
        }
    }

    fn steps(&mut self, names: &[String]) -> String {
        let operator = self.pick(&[">=", ">"]);
        let mut threshold = 0;
        let rates = self.one_in(3);
        let mut steps = Vec::new();
        for _ in 0..self.below(4) + 1 {
            threshold += self.below(15) + 1;
            steps.push(if rates {
                format!("{{ threshold = {threshold}, rate = 0.{} }}", self.below(99))
            } else {
                let amount = self.amount_operand(names);
                format!("{{ threshold = {threshold}, amount = {amount} }}")
            });
        }
        let rate_on = if rates {
            format!("rate-on = {}\n", self.operand(names))
        } else {
            String::new()
        };
        format!(
            "kind = \"steps\"\nof = {}\noperator = \"{operator}\"\n{rate_on}steps = [{}]\n",
            self.operand(names),
            steps.join(", ")
        )
    }

    fn piecewise(&mut self, names: &[String]) -> String {
        let rates = self.one_in(4);
        let key = if rates { "rate" } else { "amount" };
        let jump = self.one_in(2);
        let mut at = self.below(10);
        let mut points = vec![format!("{{ at = {at}, {key} = {} }}", self.amount())];
        for index in 0..self.below(3) + 1 {
            if !(jump && index == 0) {
                at += self.below(20) + 1;
            }
            points.push(format!("{{ at = {at}, {key} = {} }}", self.amount()));
        }
        let at_jump = if jump {
            format!("at-jump = \"{}\"\n", self.pick(&["before", "after"]))
        } else {
            String::new()
        };
        let rate_on = if rates {
            format!("rate-on = {}\n", self.operand(names))
        } else {
            String::new()
        };
        format!(
            "kind = \"piecewise\"\nof = {}\n{rate_on}points = [{}]\n{at_jump}below = \"{}\"\nabove = \"{}\"\n",
            self.operand(names),
            points.join(", "),
            self.pick(&["nothing", "first-point"]),
            self.pick(&["nothing", "last-point", "onward"])
        )
    }

    fn condition(&mut self, index: usize, names: &[String], depth: usize) -> String {
        match self.below(6) {
            0 if depth > 0 => {
                let key = self.pick(&["all", "any"]);
                let n = self.below(3) + 1;
                let all: Vec<String> = (0..n)
                    .map(|_| self.condition(index, names, depth - 1))
                    .collect();
                format!("{{ {key} = [{}] }}", all.join(", "))
            }
            1 => format!("{{ flag = \"gate.passed\", equals = {} }}", self.one_in(2)),
            2 => "{ text = \"grade.word\", one-of = [\"good\", \"fair\"] }".to_owned(),
            3 if index > 0 => format!(
                "{{ line = \"line-{}\", ended = \"{}\" }}",
                self.below(index),
                self.pick(&BRANCHES)
            ),
            _ => {
                let name = names[self.below(names.len())].clone();
                format!(
                    "{{ quantity = \"{name}\", operator = \"{}\", value = {} }}",
                    self.pick(&OPERATORS),
                    self.operand(names)
                )
            }
        }
    }

    fn amendments(&mut self, body: &mut String, names: &[String]) {
        let _ = writeln!(
            body,
            "[[amendment]]\neffective = \"2024-01-01\"\ntitle = \"First\"\ncap = {}",
            self.amount()
        );
        body.push_str("[[amendment.line]]\n");
        let mut line = String::new();
        self.line(&mut line, 0, names, "line-0");
        body.push_str(line.trim_start_matches("[[line]]\n"));
        let _ = writeln!(
            body,
            "[[amendment]]\neffective = \"2025-07-01\"\ntitle = \"Second\"\nremoves = [\"idle\"]\n\
             [[amendment.line]]\nname = \"later\"\nkind = \"fixed\"\namount = {}\n\
             when = {{ quantity = \"all\", operator = \">=\", value = 0 }}",
            self.amount()
        );
    }

    pub(crate) fn inputs(&mut self, contract: &Contract) -> Inputs {
        let mut inputs = Inputs::new();
        for (name, kind) in contract.required_inputs() {
            if self.one_in(40) {
                continue;
            }
            let input = if self.one_in(20) {
                let branch = if self.one_in(2) {
                    Undecided::Deferred
                } else {
                    Undecided::NotMeasurable
                };
                let reason = "not there".to_owned();
                Input::Unavailable { reason, branch }
            } else {
                self.input(&name, kind)
            };
            inputs.insert(name, input);
        }
        inputs
    }

    fn input(&mut self, name: &str, kind: InputKind) -> Input {
        match kind {
            InputKind::Flag => Input::Flag(!self.one_in(3)),
            InputKind::Text if name.ends_with(".estimand") => {
                let words = ["att", "att", "att", "matched-treated", "ate"];
                Input::Text(self.pick(&words).to_owned())
            }
            InputKind::Text if name == "terms.date" => {
                let days = [
                    "2023-12-31",
                    "2024-01-01",
                    "2025-06-30",
                    "2025-07-01",
                    "soon",
                ];
                Input::Text(self.pick(&days).to_owned())
            }
            InputKind::Text => Input::Text(self.pick(&["good", "fair", "poor"]).to_owned()),
            InputKind::Number if name.ends_with(".p-value") => {
                Input::Number(format!("0.{:04}", self.below(2_000)))
            }
            InputKind::Number => Input::Number(match self.below(24) {
                0 => "NaN".to_owned(),
                1 => "1e400".to_owned(),
                2 => "-0.0".to_owned(),
                3 => format!("{}e-7", self.next() % 10_000_000_000),
                4 | 5 => format!("-{}.{}", self.below(100), self.below(100_000)),
                6 => format!("{}", self.below(2_000_000)),
                _ => format!("{}.{}", self.below(120), self.below(100_000)),
            }),
        }
    }
}
