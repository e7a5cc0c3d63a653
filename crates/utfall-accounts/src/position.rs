//! Where a contract stands.

use chrono::NaiveDate;
use serde::Serialize;
use utfall_payment::Money;

use crate::account::Account;
use crate::book::Book;
use crate::returns::internal_rate_of_return;
use crate::terms::Role;
use crate::workflow::State;

/// Where a contract stands after its last entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Position {
    /// The contract.
    pub contract: String,
    /// Paid by each payer.
    pub payers: Vec<(String, Money)>,
    /// Due for each component by the payments made, before caps.
    pub components: Vec<(String, Money)>,
    /// Paid for outcomes in all.
    pub paid: Money,
    /// Received by each provider for its work.
    pub providers: Vec<(String, Money)>,
    /// Held and not paid out.
    pub held: Money,
    /// How each investor fares.
    pub investors: Vec<InvestorPosition>,
    /// Requests that are neither paid, withdrawn nor expired.
    pub open_requests: Vec<String>,
    /// What is still expected to be paid, and when.
    pub liabilities: Vec<Liability>,
}

/// How an investor fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InvestorPosition {
    /// The investor.
    pub name: String,
    /// Capital put up.
    pub invested: Money,
    /// Capital paid back, by a guarantor included.
    pub repaid: Money,
    /// Earned beyond it.
    pub earned: Money,
    /// Received less put up, in hundredths of a percent of the capital, cut toward zero.
    pub return_basis_points: Option<i128>,
    /// Yearly rate, actual days over 365; none while there is no single one.
    pub internal_rate_of_return: Option<f64>,
}

/// What is still expected to be paid by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Liability {
    /// The day.
    pub day: NaiveDate,
    /// Expected to become due on the day.
    pub expected: Money,
    /// Expected to be paid by the end of the day, within the contract's cap, less what was paid; never below 0.
    pub outstanding: Money,
}

impl Book {
    /// Where the contract stands.
    #[must_use]
    pub fn position(&self) -> Position {
        let terms = self.terms();
        let money = |minor_units| terms.money(minor_units);
        let of_role =
            |role: Role, account: &dyn Fn(String) -> Account, sign: i128| -> Vec<(String, Money)> {
                let parties = terms.with_role(role);
                let position = |name: &String| {
                    (
                        name.clone(),
                        money(sign * self.balance(&account(name.clone()))),
                    )
                };
                parties.map(|party| position(&party.name)).collect()
            };
        let is_open = |state| !matches!(state, State::Paid | State::Withdrawn | State::Expired);
        let open = self
            .requests()
            .values()
            .filter(|request| is_open(request.state));
        Position {
            contract: terms.name.clone(),
            payers: of_role(Role::Commissioner, &Account::Payer, -1),
            components: terms
                .component
                .iter()
                .map(|component| (component.name.clone(), money(self.due(&component.name))))
                .collect(),
            paid: money(self.paid()),
            providers: of_role(Role::Provider, &Account::Provider, 1),
            held: money(self.balance(&Account::Held)),
            investors: self.investors(),
            open_requests: open
                .map(|request| format!("{} ({})", request.name, request.state))
                .collect(),
            liabilities: self.liabilities(),
        }
    }

    fn investors(&self) -> Vec<InvestorPosition> {
        let invested = self.invested();
        let positions = self.terms().with_role(Role::Investor).map(|party| {
            let capital = invested.get(&party.name).copied().unwrap_or(0);
            let repaid = self.repaid(&party.name, capital);
            let earned = self.balance(&Account::Return(party.name.clone()));
            let money = |minor_units| self.terms().money(minor_units);
            InvestorPosition {
                name: party.name.clone(),
                invested: money(capital),
                repaid: money(repaid),
                earned: money(earned),
                return_basis_points: (capital > 0)
                    .then(|| (repaid + earned - capital) * 10_000 / capital),
                internal_rate_of_return: internal_rate_of_return(&self.flows(&party.name)),
            }
        });
        positions.collect()
    }

    /// What went to and came from an investor, by day.
    fn flows(&self, investor: &str) -> Vec<(NaiveDate, i128)> {
        let mut flows: Vec<(NaiveDate, i128)> = Vec::new();
        for entry in self.entries() {
            let own = entry.postings.iter().filter(|posting| {
                matches!(&posting.account, Account::Capital(name) | Account::Return(name) if name == investor)
            });
            flows.push((
                entry.event.day,
                own.map(|posting| posting.minor_units).sum(),
            ));
        }
        flows
    }

    fn liabilities(&self) -> Vec<Liability> {
        let terms = self.terms();
        let mut in_all = 0;
        let liabilities = terms.expected.iter().map(|expected| {
            // Terms are checked when they are read.
            let amount = terms.minor_units(&expected.amount).unwrap_or(0);
            in_all += amount;
            let within = terms
                .cap_minor_units()
                .map_or(in_all, |cap| in_all.min(cap));
            Liability {
                day: expected.day,
                expected: terms.money(amount),
                outstanding: terms.money((within - self.paid()).max(0)),
            }
        });
        liabilities.collect()
    }
}
