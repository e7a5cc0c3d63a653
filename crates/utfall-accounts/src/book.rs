//! The ledger of one contract.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utfall_payment::share_out;

use crate::account::{Account, Posting, transfer};
use crate::error::AccountError;
use crate::event::{Action, Body, Event, Stage};
use crate::terms::{Party, Role, Terms};
use crate::waterfall::waterfall;
use crate::workflow::{Request, State, must_be_one_of, not_allowed};

/// The ledger: entries, and what follows from them. It changes by [`Book::record`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    terms: Terms,
    entries: Vec<Entry>,
    balances: BTreeMap<Account, i128>,
    requests: BTreeMap<String, Request>,
    /// Due for each component by what was paid, before caps.
    due: BTreeMap<String, i128>,
    /// Components of which a final request was paid.
    ended: BTreeSet<String>,
    /// Claims in requests that stand, and the request.
    claims: BTreeMap<String, String>,
    /// What a payment added to the due of its component, by entry; gone once it is reversed.
    added: BTreeMap<u64, i128>,
    reversed: BTreeSet<u64>,
    /// Whether the last distribution was made.
    has_ended: bool,
}

/// One entry: what a party did, and the money that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Number, from 1.
    pub number: u64,
    /// What was done.
    pub event: Event,
    /// What was posted; adds up to 0.
    pub postings: Vec<Posting>,
}

impl Book {
    /// An empty ledger.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            entries: Vec::new(),
            balances: BTreeMap::new(),
            requests: BTreeMap::new(),
            due: BTreeMap::new(),
            ended: BTreeSet::new(),
            claims: BTreeMap::new(),
            added: BTreeMap::new(),
            reversed: BTreeSet::new(),
            has_ended: false,
        }
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// All entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What each account has received less what it has given, in minor units; they add up to 0.
    #[must_use]
    pub fn balances(&self) -> &BTreeMap<Account, i128> {
        &self.balances
    }

    /// The requests by name.
    #[must_use]
    pub fn requests(&self) -> &BTreeMap<String, Request> {
        &self.requests
    }

    /// What one account has received less what it has given, in minor units.
    #[must_use]
    pub fn balance(&self, account: &Account) -> i128 {
        self.balances.get(account).copied().unwrap_or(0)
    }

    /// What payers have paid in all, in minor units.
    #[must_use]
    pub fn paid(&self) -> i128 {
        let payers = self.terms.with_role(Role::Commissioner);
        payers
            .map(|payer| -self.balance(&Account::Payer(payer.name.clone())))
            .sum()
    }

    /// What is due for a component by the payments made, in minor units, before caps.
    #[must_use]
    pub fn due(&self, component: &str) -> i128 {
        self.due.get(component).copied().unwrap_or(0)
    }

    /// Makes an event the next entry, or refuses it and stays as it was.
    ///
    /// # Errors
    ///
    /// [`AccountError`]: an unknown party, request or component; a party whose role may not do this, or who would approve its
    /// own request; a request in another state; an amount that is none; more money than is held; a claim that stands in
    /// another request; anything after the last distribution; a day before that of the last entry.
    pub fn record(&mut self, event: Event) -> Result<&Entry, AccountError> {
        if let Some(last) = self.entries.last()
            && event.day < last.event.day
        {
            return Err(AccountError::DaysOutOfOrder {
                found: event.day,
                last: last.event.day,
            });
        }
        if self.has_ended {
            return Err(AccountError::Ended);
        }
        let role = self.party(&event.by)?.role;
        let number = self.entries.len() as u64 + 1;
        let postings = self.act(&event, role, number)?;
        for posting in &postings {
            *self.balances.entry(posting.account.clone()).or_default() += posting.minor_units;
        }
        self.entries.push(Entry {
            number,
            event,
            postings,
        });
        Ok(&self.entries[self.entries.len() - 1])
    }

    /// Changes everything but balances, once nothing can be refused any more; gives what is to be posted.
    fn act(
        &mut self,
        event: &Event,
        role: Role,
        number: u64,
    ) -> Result<Vec<Posting>, AccountError> {
        match &event.action {
            Action::Invest { amount } => {
                must_be_one_of(event, role, &[Role::Investor])?;
                let amount = self.amount(amount)?;
                Ok(transfer(
                    Account::Capital(event.by.clone()),
                    Account::Held,
                    amount,
                ))
            }
            Action::Spend { provider, amount } => {
                must_be_one_of(event, role, &[Role::Intermediary])?;
                if self.party(provider)?.role != Role::Provider {
                    return Err(not_allowed(event, &format!("`{provider}` is no provider")));
                }
                let amount = self.held(self.amount(amount)?)?;
                Ok(transfer(
                    Account::Held,
                    Account::Provider(provider.clone()),
                    amount,
                ))
            }
            Action::Draft { request, body } => self.draft(event, role, request, body),
            Action::Pay { request } => self.pay(event, role, request, number),
            Action::Reverse { entry } => self.reverse(event, role, *entry),
            Action::Distribute { last } => self.distribute(event, role, *last),
            action => self.advance(event, role, action.request().unwrap_or_default()),
        }
    }

    fn draft(
        &mut self,
        event: &Event,
        role: Role,
        name: &str,
        body: &Body,
    ) -> Result<Vec<Posting>, AccountError> {
        must_be_one_of(
            event,
            role,
            &[Role::Provider, Role::Intermediary, Role::Evaluator],
        )?;
        if self.requests.contains_key(name) {
            return Err(AccountError::Taken {
                name: name.to_owned(),
            });
        }
        self.check_body(name, body)?;
        self.hold_claims(name, body);
        self.requests
            .insert(name.to_owned(), Request::draft(name, &event.by, body));
        Ok(Vec::new())
    }

    fn advance(
        &mut self,
        event: &Event,
        role: Role,
        name: &str,
    ) -> Result<Vec<Posting>, AccountError> {
        let request = self.request(name)?;
        let next = request.after(&self.terms, event, role)?;
        if let Action::Correct { body, .. } = &event.action {
            self.check_body(name, body)?;
            self.free_claims(name);
            self.hold_claims(name, body);
        }
        if matches!(next.state, State::Withdrawn | State::Expired) {
            self.free_claims(name);
        }
        self.requests.insert(name.to_owned(), next);
        Ok(Vec::new())
    }

    /// Pays what is due in all, less what was paid: by each payer its part of the whole, less what it paid.
    fn pay(
        &mut self,
        event: &Event,
        role: Role,
        name: &str,
        number: u64,
    ) -> Result<Vec<Posting>, AccountError> {
        must_be_one_of(event, role, &[Role::Commissioner])?;
        let request = self.request(name)?;
        request.must_be(&[State::Approved])?;
        let body = request.body.clone();
        self.check_body(name, &body)?;
        let before = self.due(&body.component);
        let after = self.due_after(&body)?;
        let mut postings = self.settlement(&body.component, after);
        let received: i128 = postings
            .iter()
            .filter(|p| p.account == Account::Held)
            .map(|p| p.minor_units)
            .sum();
        if received < 0 && !self.terms.clawback {
            postings.clear(); // set off against what becomes due later
        } else if received < 0 {
            self.held(-received)?;
        }
        self.due.insert(body.component.clone(), after);
        self.added.insert(number, after - before);
        if body.stage == Stage::Final {
            self.ended.insert(body.component);
        }
        if let Some(request) = self.requests.get_mut(name) {
            request.state = State::Paid;
            request.paid_in = Some(number);
        }
        Ok(postings)
    }

    /// Postings that bring every payer to its part of what is due once a component's due is `due`.
    fn settlement(&self, component: &str, due: i128) -> Vec<Posting> {
        let total: i128 = self
            .terms
            .component
            .iter()
            .map(|known| {
                let due = if known.name == component {
                    due
                } else {
                    self.due(&known.name)
                };
                let cap = known
                    .cap
                    .as_deref()
                    .and_then(|cap| self.terms.minor_units(cap).ok());
                cap.map_or(due, |cap| due.min(cap))
            })
            .sum();
        let total = self
            .terms
            .cap_minor_units()
            .map_or(total, |cap| total.min(cap));
        let payers: Vec<&Party> = self.terms.with_role(Role::Commissioner).collect();
        let weights: Vec<u64> = payers.iter().map(|payer| payer.share).collect();
        let parts = share_out(total, &weights, self.terms.remainder);
        let mut postings = Vec::new();
        for (payer, part) in payers.into_iter().zip(parts) {
            let account = Account::Payer(payer.name.clone());
            let paid = -self.balance(&account);
            postings.extend(transfer(account, Account::Held, part - paid));
        }
        postings
    }

    /// Due for the component of a request once it is paid.
    fn due_after(&self, body: &Body) -> Result<i128, AccountError> {
        match &body.due_in_all {
            Some(due) => self.amount(due),
            None => body
                .claims
                .iter()
                .try_fold(self.due(&body.component), |due, claim| {
                    Ok(due + self.amount(&claim.amount)?)
                }),
        }
    }

    fn reverse(
        &mut self,
        event: &Event,
        role: Role,
        number: u64,
    ) -> Result<Vec<Posting>, AccountError> {
        must_be_one_of(event, role, &[Role::Intermediary])?;
        let refuse = |why| AccountError::NotReversible { entry: number, why };
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let Some(entry) = place.and_then(|place| self.entries.get(place)) else {
            return Err(refuse("there is none"));
        };
        if self.reversed.contains(&number) {
            return Err(refuse("it was reversed already"));
        }
        let paid = match &entry.event.action {
            Action::Pay { request } => Some(request.clone()),
            Action::Invest { .. } | Action::Spend { .. } => None,
            _ => return Err(refuse("no money came in or went to a provider in it")),
        };
        let back = |posting: &Posting| Posting {
            account: posting.account.clone(),
            minor_units: -posting.minor_units,
        };
        let postings: Vec<Posting> = entry.postings.iter().map(back).collect();
        let taken: i128 = postings
            .iter()
            .filter(|p| p.account == Account::Held)
            .map(|p| p.minor_units)
            .sum();
        if taken < 0 {
            self.held(-taken)?;
        }
        // A payment reckons with those before it, so the newest goes back first.
        let is_payment = |entry: &Entry| matches!(entry.event.action, Action::Pay { .. });
        let later = self
            .entries
            .iter()
            .zip(1..)
            .skip(place.map_or(0, |place| place + 1));
        let mut later = later.filter(|(entry, _)| is_payment(entry));
        if paid.is_some() && later.any(|(_, number)| !self.reversed.contains(&number)) {
            return Err(refuse("later payments build on it; reverse those first"));
        }
        self.reversed.insert(number);
        if let Some(name) = paid {
            self.undo_payment(&name, number);
        }
        Ok(postings)
    }

    /// Puts a paid request back among those handed in, without votes.
    fn undo_payment(&mut self, name: &str, number: u64) {
        let added = self.added.remove(&number).unwrap_or(0);
        if let Some(request) = self.requests.get_mut(name) {
            *self.due.entry(request.body.component.clone()).or_default() -= added;
            if request.body.stage == Stage::Final {
                self.ended.remove(&request.body.component);
            }
            request.back_to(State::Submitted);
            request.paid_in = None;
        }
    }

    /// Pays out all that is held, so that all that was ever paid out is shared as the waterfall says.
    fn distribute(
        &mut self,
        event: &Event,
        role: Role,
        last: bool,
    ) -> Result<Vec<Posting>, AccountError> {
        must_be_one_of(event, role, &[Role::Intermediary])?;
        let held = self.balance(&Account::Held);
        let invested = self.invested();
        let paid_out: i128 = invested
            .iter()
            .map(|(name, capital)| self.repaid(name, *capital))
            .sum::<i128>()
            + self.earned();
        let mut postings = Vec::new();
        for payout in waterfall(&self.terms, &invested, paid_out + held) {
            let capital = invested.get(&payout.party).copied().unwrap_or(0);
            let principal = payout.principal - self.repaid(&payout.party, capital);
            let account = Account::Return(payout.party.clone());
            let earned = payout.earned - self.balance(&account);
            postings.extend(transfer(
                Account::Held,
                Account::Capital(payout.party.clone()),
                principal,
            ));
            postings.extend(transfer(Account::Held, account, earned));
            if last
                && let Some((guarantor, made_good)) =
                    self.guarantee(&payout.party, capital, payout.principal)
            {
                postings.extend(transfer(
                    guarantor,
                    Account::Capital(payout.party),
                    made_good,
                ));
            }
        }
        self.has_ended = last;
        Ok(postings)
    }

    /// What a guarantor makes good of an investor's loss.
    fn guarantee(&self, investor: &str, capital: i128, repaid: i128) -> Option<(Account, i128)> {
        let party = self.terms.party(investor)?;
        let guarantor = party.guarantor.clone()?;
        let most = capital * i128::from(party.guaranteed_basis_points) / 10_000;
        Some((Account::Guarantor(guarantor), most.min(capital - repaid)))
    }

    /// Capital that each investor put up, in the order of the terms.
    #[must_use]
    pub fn invested(&self) -> BTreeMap<String, i128> {
        let mut invested: BTreeMap<String, i128> = BTreeMap::new();
        for entry in &self.entries {
            let put_up = match &entry.event.action {
                Action::Invest { .. } => true,
                Action::Reverse { entry } => self.is_investment(*entry),
                _ => false,
            };
            if put_up {
                for posting in entry
                    .postings
                    .iter()
                    .filter(|posting| posting.account != Account::Held)
                {
                    let investor = posting.account.party().unwrap_or_default().to_owned();
                    *invested.entry(investor).or_default() -= posting.minor_units;
                }
            }
        }
        invested
    }

    fn is_investment(&self, number: u64) -> bool {
        let entry = self.entries.iter().find(|entry| entry.number == number);
        entry.is_some_and(|entry| matches!(entry.event.action, Action::Invest { .. }))
    }

    /// What an investor got back of its capital.
    pub(crate) fn repaid(&self, investor: &str, capital: i128) -> i128 {
        capital + self.balance(&Account::Capital(investor.to_owned()))
    }

    fn earned(&self) -> i128 {
        let returns = self
            .balances
            .iter()
            .filter(|(account, _)| matches!(account, Account::Return(_)));
        returns.map(|(_, balance)| balance).sum()
    }

    fn check_body(&self, request: &str, body: &Body) -> Result<(), AccountError> {
        let is_known = self
            .terms
            .component
            .iter()
            .any(|known| known.name == body.component);
        if !is_known {
            return Err(AccountError::UnknownComponent {
                name: body.component.clone(),
            });
        }
        if self.ended.contains(&body.component) {
            let component = &body.component;
            return Err(AccountError::Amount(format!(
                "the final payment for `{component}` was made"
            )));
        }
        if body.due_in_all.is_some() != body.claims.is_empty() {
            let what = "expected either `due-in-all` or claims".to_owned();
            return Err(AccountError::Amount(what));
        }
        self.due_after(body)?;
        let mut seen = BTreeSet::new();
        for claim in &body.claims {
            let holder = self
                .claims
                .get(&claim.claim)
                .filter(|holder| *holder != request);
            let twice = !seen.insert(&claim.claim);
            if let Some(holder) = holder.map(String::as_str).or(twice.then_some(request)) {
                return Err(AccountError::ClaimTaken {
                    claim: claim.claim.clone(),
                    request: holder.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn hold_claims(&mut self, request: &str, body: &Body) {
        for claim in &body.claims {
            self.claims.insert(claim.claim.clone(), request.to_owned());
        }
    }

    fn free_claims(&mut self, request: &str) {
        self.claims.retain(|_, holder| holder != request);
    }

    fn party(&self, name: &str) -> Result<&Party, AccountError> {
        self.terms
            .party(name)
            .ok_or_else(|| AccountError::UnknownParty {
                name: name.to_owned(),
            })
    }

    fn request(&self, name: &str) -> Result<&Request, AccountError> {
        self.requests
            .get(name)
            .ok_or_else(|| AccountError::UnknownRequest {
                name: name.to_owned(),
            })
    }

    fn amount(&self, text: &str) -> Result<i128, AccountError> {
        self.terms.minor_units(text).map_err(AccountError::Amount)
    }

    /// The amount, if that much is held.
    fn held(&self, amount: i128) -> Result<i128, AccountError> {
        let left = self.balance(&Account::Held);
        if amount <= left {
            return Ok(amount);
        }
        Err(AccountError::NotEnough {
            asked: self.terms.money(amount).to_string(),
            left: self.terms.money(left).to_string(),
        })
    }
}
