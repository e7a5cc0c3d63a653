//! The one glossary: every phrase of an explanation, in each language.
//!
//! A phrase has places `{0}`, `{1}`, … for names and numbers. Swedish and Danish terms are those of
//! the field: *utfall* and *udfald* for outcome, *betalare* and *betaler* for outcome payer.

use std::fmt;

/// A language that decisions are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
    /// Danish.
    Danish,
}

/// A phrase in English, Swedish and Danish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phrase(pub(super) [&'static str; 3]);

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::English, Self::Swedish, Self::Danish];

    /// A phrase without places.
    pub(super) fn word(self, phrase: Phrase) -> &'static str {
        phrase.0[self as usize]
    }

    /// A phrase with its places filled.
    pub(super) fn say<S: AsRef<str>>(self, phrase: Phrase, fill: &[S]) -> String {
        let mut text = String::new();
        let mut rest = self.word(phrase);
        while let Some((before, place, after)) = next_place(rest) {
            text.push_str(before);
            text.push_str(fill.get(place).map_or("", AsRef::as_ref));
            rest = after;
        }
        text + rest
    }

    /// A number as the language writes it.
    pub(super) fn number(self, text: &str) -> String {
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if self == Self::English || !is_number {
            text.to_owned()
        } else {
            text.replace('.', ",")
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::English => "en",
            Self::Swedish => "sv",
            Self::Danish => "da",
        })
    }
}

/// The text before the first place, its number, and the text after it.
fn next_place(text: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (place, after) = rest.split_once('}')?;
    Some((before, place.parse().ok()?, after))
}

/// What fills the places of a phrase's English in `text`, if `text` is that phrase.
fn fill_of(phrase: Phrase, text: &str) -> Option<Vec<String>> {
    let mut fill: Vec<String> = Vec::new();
    let (start, mut place, mut after) = next_place(phrase.0[0])?;
    let mut rest = text.strip_prefix(start)?;
    loop {
        let next = next_place(after);
        let until = next.map_or(after, |(before, ..)| before);
        let end = match (next, until) {
            (None, "") => rest.len(),
            (None, until) => rest
                .len()
                .checked_sub(until.len())
                .filter(|end| rest.ends_with(until).then_some(*end).is_some())?,
            (Some(_), until) => rest.find(until)?,
        };
        if fill.len() <= place {
            fill.resize(place + 1, String::new());
        }
        fill[place] = rest[..end].to_owned();
        rest = rest.get(end + until.len()..)?;
        match next {
            None => return rest.is_empty().then_some(fill),
            Some((_, next_one, after_it)) => (place, after) = (next_one, after_it),
        }
    }
}

/// A name or value that the evaluator gives, in the language; any other stands as it is, and so does
/// everything in English.
pub(super) fn word_of(language: Language, text: &str) -> String {
    if language == Language::English {
        return text.to_owned();
    }
    translated(WORDS, language, text)
}

/// A reason of the evaluator, in the language; one that came from outside stands as it is.
pub(super) fn reason(language: Language, text: &str) -> String {
    translated(REASONS, language, text)
}

fn translated(phrases: &[Phrase], language: Language, text: &str) -> String {
    for phrase in phrases {
        if phrase.0[0] == text {
            return language.word(*phrase).to_owned();
        }
        if let Some(fill) = fill_of(*phrase, text) {
            return language.say(*phrase, &fill);
        }
    }
    text.to_owned()
}

/// Declares phrases, each in English, Swedish and Danish.
macro_rules! phrases {
    ($($name:ident: $en:literal, $sv:literal, $da:literal;)*) => {
        $(pub(super) const $name: Phrase = Phrase([$en, $sv, $da]);)*

        #[cfg(test)]
        const ALL: &[Phrase] = &[$($name),*];
    };
}

phrases! {
    // Subjects.
    CONTRACT: "Contract", "Avtalet", "Kontrakten";
    EFFECT: "Effect {0}", "Effekten {0}", "Effekten {0}";
    QUANTITY: "Quantity {0}", "Storheten {0}", "Størrelsen {0}";
    LINE: "Line {0}", "Betalningsraden {0}", "Betalingslinjen {0}";
    GROUP: "Group {0}", "Gruppen {0}", "Gruppen {0}";
    PAYER: "Payer {0}", "Betalaren {0}", "Betaleren {0}";
    TOTAL: "Total", "Summan", "Summen";
    // Results.
    GIVES: "gives {0}", "ger {0}", "giver {0}";
    HOLDS: "holds", "är uppfyllt", "er opfyldt";
    HOLDS_NOT: "does not hold", "är inte uppfyllt", "er ikke opfyldt";
    NOT_MEASURABLE_BECAUSE: "not measurable, because {0}", "inte mätbart, eftersom {0}", "ikke målbart, fordi {0}";
    DEFERRED_BECAUSE: "deferred, because {0}", "uppskjutet, eftersom {0}", "udskudt, fordi {0}";
    // Operations.
    TERMS_AS_OF: "the terms in force on {0}", "villkoren som gäller den {0}", "vilkårene, der gælder den {0}";
    AS_FIRST_AGREED: "as first agreed", "som de först avtalades", "som de først blev aftalt";
    ONE_OF: "{0} must be one of {1}", "{0} måste vara något av {1}", "{0} skal være en af {1}";
    TAKEN_IN: "{0} is taken in {1} and rounded {2} to {3} decimals", "{0} hämtas in {1} och avrundas ({2}) till {3} decimaler", "{0} hentes ind {1} og afrundes ({2}) til {3} decimaler";
    SIGN_KEPT: "with its sign kept", "med oförändrat tecken", "med uændret fortegn";
    SIGN_FLIPPED: "with its sign flipped", "med omvänt tecken", "med omvendt fortegn";
    STATED: "the contract states it", "avtalet anger det", "kontrakten angiver det";
    LESS: "{0} less {1}", "{0} minus {1}", "{0} minus {1}";
    SUM_OF: "the sum of {0}", "summan av {0}", "summen af {0}";
    TIMES: " times ", " gånger ", " gange ";
    PLUS: " plus ", " plus ", " plus ";
    DIVIDED: "{0} divided by {1}", "{0} delat med {1}", "{0} divideret med {1}";
    RELATIVE_FALL: "the fall from {0} to {1} as a fraction of the former", "minskningen från {0} till {1} som andel av det första", "faldet fra {0} til {1} som andel af det første";
    PRODUCT: "{0} times {1}", "{0} gånger {1}", "{0} gange {1}";
    LEAST: "the least of {0}", "det minsta av {0}", "det mindste af {0}";
    GREATEST: "the greatest of {0}", "det största av {0}", "det største af {0}";
    FIRST_AVAILABLE: "the first that is measurable of {0}", "det första mätbara av {0}", "det første målbare af {0}";
    ADJUSTED: "{0}, adjusted by the rule {1} for the family {2}", "{0}, justerat enligt regeln {1} för familjen {2}", "{0}, justeret efter reglen {1} for familien {2}";
    PROBABILITY: "the probability that the effect exceeds {2}, from the estimate {0} with standard error {1}, rounded {3} to {4} decimals", "sannolikheten att effekten överstiger {2}, utifrån skattningen {0} med medelfelet {1}, avrundad ({3}) till {4} decimaler", "sandsynligheden for at effekten overstiger {2}, ud fra estimatet {0} med standardfejlen {1}, afrundet ({3}) til {4} decimaler";
    COMPOUND: "{0} grown at the rate {1} for {2} periods", "{0} förräntat med {1} i {2} perioder", "{0} forrentet med {1} i {2} perioder";
    ROUNDED: "{0} is rounded {1} to {2} decimals", "{0} avrundas ({1}) till {2} decimaler", "{0} afrundes ({1}) til {2} decimaler";
    COMPARED: "{0} must be {1} {2}", "{0} måste vara {1} {2}", "{0} skal være {1} {2}";
    FLAG: "{0} must be {1}", "{0} måste vara {1}", "{0} skal være {1}";
    YES: "true", "sant", "sandt";
    NO: "false", "falskt", "falsk";
    LINE_ENDED: "line {0} must have ended {1}", "raden {0} måste ha slutat som {1}", "linjen {0} skal være endt som {1}";
    EVERY: "every condition must hold: {0}", "alla villkor måste vara uppfyllda: {0}", "alle betingelser skal være opfyldt: {0}";
    ANY: "one condition or more must hold: {0}", "minst ett villkor måste vara uppfyllt: {0}", "mindst én betingelse skal være opfyldt: {0}";
    REQUIRES: "its requirement for being measurable", "kravet för att den ska kunna mätas", "kravet for at den kan måles";
    WHEN: "its condition for paying", "villkoret för betalning", "betingelsen for betaling";
    ENOUGH: "{0} must be at least {1}, otherwise {2}", "{0} måste vara minst {1}, annars {2}", "{0} skal være mindst {1}, ellers {2}";
    OTHERWISE_AMOUNT: "a stated amount", "ett angivet belopp", "et angivet beløb";
    DEADWEIGHT_FRACTION: "{0} less {1} of it, which would have happened anyway", "{0} minus {1} av det, som hade skett ändå", "{0} minus {1} af det, som ville være sket alligevel";
    DEADWEIGHT_FIXED: "{0} less {1}, which would have happened anyway", "{0} minus {1}, som hade skett ändå", "{0} minus {1}, som ville være sket alligevel";
    FIXED: "a fixed amount, {0}", "ett fast belopp, {0}", "et fast beløb, {0}";
    BAND: "the part of {0} between {1} and {2}, times {3}", "den del av {0} som ligger mellan {1} och {2}, gånger {3}", "den del af {0}, der ligger mellem {1} og {2}, gange {3}";
    BAND_OPEN: "the part of {0} above {1}, times {2}", "den del av {0} som ligger över {1}, gånger {2}", "den del af {0}, der ligger over {1}, gange {2}";
    BANDS: "the bands together, {0}", "alla intervall tillsammans, {0}", "alle intervaller tilsammen, {0}";
    STEP: "{0} reaches the step {1} {2}, which pays {3}", "{0} når steget {1} {2}, som ger {3}", "{0} når trinnet {1} {2}, som giver {3}";
    NO_STEP: "{0} reaches no step", "{0} når inget steg", "{0} når intet trin";
    AT_POINT: "{0} read off the point {1}, which is worth {2}", "{0} läses av i punkten {1}, som är värd {2}", "{0} aflæses i punktet {1}, som er {2} værd";
    BETWEEN_POINTS: "{0} read off the straight line from {2} at {1} to {4} at {3}", "{0} läses av på den räta linjen från {2} vid {1} till {4} vid {3}", "{0} aflæses på den rette linje fra {2} ved {1} til {4} ved {3}";
    BEYOND_POINTS: "{0} lies beyond the points, where nothing is paid", "{0} ligger utanför punkterna, där ingenting betalas", "{0} ligger uden for punkterne, hvor intet betales";
    ATTAINED: "the part of the way from {1} to {2} that {0} has come", "den del av vägen från {1} till {2} som {0} har kommit", "den del af vejen fra {1} til {2}, som {0} er kommet";
    SCORE: "the weighted score, {0}", "den viktade poängen, {0}", "den vægtede score, {0}";
    BELOW_ZERO: "{0} is below zero and the contract takes nothing back", "{0} är under noll och avtalet tar inget tillbaka", "{0} er under nul, og kontrakten tager intet tilbage";
    AT_LEAST_BOUND: "{0}, but at least {1}", "{0}, men minst {1}", "{0}, dog mindst {1}";
    AT_MOST_BOUND: "{0}, but at most {1}", "{0}, men högst {1}", "{0}, dog højst {1}";
    AT_LEAST_PER: "{0}, but at least {1} for each of {2}", "{0}, men minst {1} för var och en av {2}", "{0}, dog mindst {1} for hver af {2}";
    AT_MOST_PER: "{0}, but at most {1} for each of {2}", "{0}, men högst {1} för var och en av {2}", "{0}, dog højst {1} for hver af {2}";
    LEFT_UNDER_CAP: "of the cap {0} there is left, after {1} paid before", "av taket {0} återstår, efter {1} som redan betalats", "af loftet {0} er der tilbage, efter {1} som allerede er betalt";
    LINES_TOGETHER: "the lines together, {0}", "raderna tillsammans, {0}", "linjerne tilsammen, {0}";
    SET_OFF_KEPT: "{0} less the interim payments {1}, of which no excess is due back", "{0} minus delbetalningarna {1}, vars överskott inte betalas tillbaka", "{0} minus acontobetalingerne {1}, hvis overskud ikke betales tilbage";
    SET_OFF_BACK: "{0} less the interim payments {1}, whose excess is due back", "{0} minus delbetalningarna {1}, vars överskott betalas tillbaka", "{0} minus acontobetalingerne {1}, hvis overskud betales tilbage";
    PAYER_SHARE: "{0} times {1}, cut to whole minor units", "{0} gånger {1}, avkortat till hela ören", "{0} gange {1}, afkortet til hele mindste enheder";
    ADDED: "{0} plus {1}", "{0} plus {1}", "{0} plus {1}";
    UNPAID: "{0} less {1}, which nobody pays", "{0} minus {1}, som ingen betalar", "{0} minus {1}, som ingen betaler";
    // Comparisons.
    AT_LEAST: "at least", "minst", "mindst";
    MORE_THAN: "more than", "mer än", "mere end";
    AT_MOST: "at most", "högst", "højst";
    LESS_THAN: "less than", "mindre än", "mindre end";
    EXACTLY: "exactly", "exakt", "præcis";
    // How things end.
    PAID: "paid", "betalas", "betales";
    DUE_BACK: "due back", "ska betalas tillbaka", "skal betales tilbage";
    NOTHING_DUE: "nothing due", "inget att betala", "intet at betale";
    NOT_MEASURABLE: "not measurable", "inte mätbart", "ikke målbart";
    DEFERRED: "deferred", "uppskjutet", "udskudt";
    DISTANCE: "Distance: in {0}, {1} is {2} from the threshold {3}.", "Avstånd: i {0} ligger {1} {2} från tröskeln {3}.", "Afstand: i {0} ligger {1} {2} fra tærsklen {3}.";
    LINE_UNDECIDED: "{0}: {1}; it pays nothing in this decision.", "{0}: {1}; den ger ingen betalning i detta beslut.", "{0}: {1}; den giver ingen betaling i denne afgørelse.";
    LINE_CAME_TO: "{0}: {1}, {2}.", "{0}: {1}, {2}.", "{0}: {1}, {2}.";
    LINE_BEFORE_ROUNDING: "{0}: {1}, {2} before rounding.", "{0}: {1}, {2} före avrundning.", "{0}: {1}, {2} før afrunding.";
    TOTAL_PAID: "{0}: {1} is paid", "{0}: {1} betalas", "{0}: {1} betales";
    TOTAL_BACK: "{0}: {1}, due back", "{0}: {1}, ska betalas tillbaka", "{0}: {1}, skal betales tilbage";
    TOTAL_NOTHING: "{0}: nothing is due", "{0}: inget ska betalas", "{0}: intet skal betales";
    TOTAL_NOT_MEASURABLE: "{0}: not measurable, so nothing is paid", "{0}: inte mätbart, så inget betalas", "{0}: ikke målbart, så intet betales";
    TOTAL_DEFERRED: "{0}: deferred, so nothing is paid yet", "{0}: uppskjutet, så inget betalas ännu", "{0}: udskudt, så intet betales endnu";
    LEFT_UNDECIDED: "; left undecided: {0}", "; inte avgjort: {0}", "; ikke afgjort: {0}";
    // The rule of a contract in one sentence.
    RULE: "{0} pays, in {1}, {2}", "{0} betalar, i {1}, {2}", "{0} betaler, i {1}, {2}";
    AND_THEN: "; plus ", "; plus ", "; plus ";
    RULE_FIXED: "{0}", "{0}", "{0}";
    RULE_PER_UNIT: "{1} for each of {0}", "{1} för varje enhet av {0}", "{1} for hver enhed af {0}";
    RULE_BAND: "{3} of {0} between {1} and {2}", "{3} av {0} mellan {1} och {2}", "{3} af {0} mellem {1} og {2}";
    RULE_BAND_OPEN: "{2} of {0} above {1}", "{2} av {0} över {1}", "{2} af {0} over {1}";
    RULE_STEPS: "the amount of the highest step that {0} reaches, {1}", "beloppet för det högsta steg som {0} når, {1}", "beløbet for det højeste trin, som {0} når, {1}";
    RULE_STEP: "{2} from {0} {1}", "{2} från {0} {1}", "{2} fra {0} {1}";
    RULE_PIECEWISE: "the amount on the straight lines through the points of {0}, {1}", "beloppet på de räta linjerna genom punkterna för {0}, {1}", "beløbet på de rette linjer gennem punkterne for {0}, {1}";
    RULE_POINT: "{1} at {0}", "{1} vid {0}", "{1} ved {0}";
    RULE_RATE_ON: ", as a rate of {0}", ", som andel av {0}", ", som andel af {0}";
    RULE_POOL: "the part of {0} that the weighted score of {1} earns", "den del av {0} som den viktade poängen för {1} ger", "den del af {0}, som den vægtede score for {1} giver";
    RULE_LINE: "for “{0}” {1}", "för ”{0}” {1}", "for »{0}« {1}";
    RULE_IF: ", if {0}", ", om {0}", ", hvis {0}";
    RULE_REQUIRES: ", measurable only if {0}", ", mätbart endast om {0}", ", målbart kun hvis {0}";
    RULE_MINIMUM: ", on at least {1} of {0} (otherwise {2})", ", på minst {1} av {0} (annars {2})", ", på mindst {1} af {0} (ellers {2})";
    RULE_DEADWEIGHT_FRACTION: ", after {0} of it is deducted as deadweight", ", sedan {0} dragits av som dödvikt", ", efter at {0} er trukket fra som dødvægt";
    RULE_DEADWEIGHT_FIXED: ", after {0} is deducted as deadweight", ", sedan {0} dragits av som dödvikt", ", efter at {0} er trukket fra som dødvægt";
    RULE_FLOOR: ", at least {0}", ", minst {0}", ", mindst {0}";
    RULE_CAP: ", at most {0}", ", högst {0}", ", højst {0}";
    RULE_CAP_PER: ", at most {0} for each of {1}", ", högst {0} för var och en av {1}", ", højst {0} for hver af {1}";
    RULE_FLOOR_PER: ", at least {0} for each of {1}", ", minst {0} för var och en av {1}", ", mindst {0} for hver af {1}";
    RULE_CLAWBACK: ", a negative amount being due back", ", där ett negativt belopp betalas tillbaka", ", hvor et negativt beløb betales tilbage";
    RULE_GROUP: "; {0} together{1}", "; {0} tillsammans{1}", "; {0} tilsammen{1}";
    RULE_IN_ALL: "; in all{0}", "; sammanlagt{0}", "; i alt{0}";
    RULE_SET_OFF: "; less the interim payments {0}", "; minus delbetalningarna {0}", "; minus acontobetalingerne {0}";
    RULE_ROUNDED_LINE: "; each line rounded {0} to minor units", "; varje rad avrundad ({0}) till minsta enhet", "; hver linje afrundet ({0}) til mindste enhed";
    RULE_ROUNDED_TOTAL: "; the total rounded {0} to minor units", "; summan avrundad ({0}) till minsta enhet", "; summen afrundet ({0}) til mindste enhed";
    RULE_BORNE: "; borne by {0}", "; betalas av {0}", "; betales af {0}";
    RULE_IS_TRUE: "{0} is true", "{0} är sant", "{0} er sandt";
    RULE_IS_FALSE: "{0} is false", "{0} är falskt", "{0} er falsk";
    RULE_IS_ONE_OF: "{0} is one of {1}", "{0} är något av {1}", "{0} er en af {1}";
    RULE_IS: "{0} is {1} {2}", "{0} är {1} {2}", "{0} er {1} {2}";
    RULE_LINE_ENDED: "“{0}” ended {1}", "”{0}” slutade som {1}", "»{0}« endte som {1}";
    AND: " and ", " och ", " og ";
    OR: " or ", " eller ", " eller ";
    // What the evidence would have to be for the payment to be another.
    ONE_ERROR: "If {0} were one standard error ({1}) lower, {2} would be paid; one higher, {3}.", "Vore {0} ett medelfel ({1}) lägre betalades {2}; ett högre, {3}.", "Var {0} en standardfejl ({1}) lavere, betaltes {2}; en højere, {3}.";
    ONE_UNIT: "One unit of {0} fewer would pay {1}; one more, {2}.", "En enhet av {0} färre gav {1}; en fler, {2}.", "En enhed af {0} færre gav {1}; en flere, {2}.";
    ONE_LEFT_OUT: "Whichever one unit is left out, {0} is between {1} and {2}; at the lower end {3} would be paid, at the higher {4}.", "Vilken enhet som än utelämnas ligger {0} mellan {1} och {2}; i den nedre änden betalades {3}, i den övre {4}.", "Hvilken enhed der end udelades, ligger {0} mellem {1} og {2}; i den nedre ende betaltes {3}, i den øvre {4}.";
    FLIPS_NOT: " No threshold turns.", " Ingen tröskel ändras.", " Ingen tærskel ændres.";
    FLIPS: " That turns a threshold or how a line ends.", " Det ändrar en tröskel eller hur en rad slutar.", " Det ændrer en tærskel eller, hvordan en linje ender.";
}

/// Names and values that the evaluator itself gives, where they stand beside those of the contract.
const WORDS: &[Phrase] = &[
    Phrase(["amount", "beloppet", "beløbet"]),
    Phrase(["total", "summan", "summen"]),
    Phrase(["part", "delen", "delen"]),
    Phrase(["score", "poängen", "scoren"]),
    Phrase(["rate", "satsen", "satsen"]),
    Phrase(["cap", "taket", "loftet"]),
    Phrase(["left over", "resten", "resten"]),
    Phrase([
        "left under the cap",
        "kvar under taket",
        "tilbage under loftet",
    ]),
    Phrase(["beyond caps", "utöver taken", "ud over lofterne"]),
    Phrase([
        "beyond the caps of others",
        "utöver de andras tak",
        "ud over de andres lofter",
    ]),
    Phrase(["condition {0}", "villkor {0}", "betingelse {0}"]),
    Phrase(["band {0}", "intervall {0}", "interval {0}"]),
    Phrase(["metric {0}", "mått {0}", "mål {0}"]),
    Phrase([
        "{0} after deadweight",
        "{0} efter dödvikt",
        "{0} efter dødvægt",
    ]),
    Phrase(["met", "uppfyllt", "opfyldt"]),
    Phrase(["not-met", "inte uppfyllt", "ikke opfyldt"]),
    Phrase(["not-measurable", "inte mätbart", "ikke målbart"]),
    Phrase(["deferred", "uppskjutet", "udskudt"]),
    Phrase(["nothing-due", "inget att betala", "intet at betale"]),
    Phrase([
        "repayment-due",
        "ska betalas tillbaka",
        "skal betales tilbage",
    ]),
    Phrase(["paid", "betalas", "betales"]),
    Phrase(["missing", "saknas", "mangler"]),
    Phrase(["unavailable", "saknas", "mangler"]),
    Phrase(["true", "sant", "sandt"]),
    Phrase(["false", "falskt", "falsk"]),
    Phrase([
        "half-even",
        "till närmaste, halva till jämnt",
        "til nærmeste, halve til lige",
    ]),
    Phrase([
        "half-up",
        "till närmaste, halva från noll",
        "til nærmeste, halve væk fra nul",
    ]),
    Phrase([
        "half-down",
        "till närmaste, halva mot noll",
        "til nærmeste, halve mod nul",
    ]),
    Phrase(["toward-zero", "mot noll", "mod nul"]),
    Phrase(["away-from-zero", "från noll", "væk fra nul"]),
    Phrase(["floor", "nedåt", "nedad"]),
    Phrase(["ceiling", "uppåt", "opad"]),
];

/// The reasons of the evaluator, those with more words before those they contain.
const REASONS: &[Phrase] = &[
    Phrase([
        "the input {0} was not supplied",
        "indata {0} inte lämnades",
        "input {0} ikke blev leveret",
    ]),
    Phrase([
        "the input {0} is unavailable: {1}",
        "indata {0} saknas: {1}",
        "input {0} mangler: {1}",
    ]),
    Phrase([
        "the input {0} is unusable: {1}",
        "indata {0} är oanvändbart: {1}",
        "input {0} er ubrugeligt: {1}",
    ]),
    Phrase([
        "the input {0} is {1}, expected a {2}",
        "indata {0} är {1}, väntat var {2}",
        "input {0} er {1}, ventet var {2}",
    ]),
    Phrase([
        "the estimate of {0} is of {1}; the contract accepts {2}",
        "skattningen av {0} avser {1}; avtalet godtar {2}",
        "estimatet af {0} vedrører {1}; kontrakten godtager {2}",
    ]),
    Phrase([
        "required, but not so: {0}",
        "det krävs, men gäller inte: {0}",
        "det kræves, men gælder ikke: {0}",
    ]),
    Phrase([
        "{0} is {1}, fewer than {2}",
        "{0} är {1}, färre än {2}",
        "{0} er {1}, færre end {2}",
    ]),
    Phrase([
        "division by zero",
        "det är en division med noll",
        "det er en division med nul",
    ]),
    Phrase([
        "the amount is too large",
        "beloppet är för stort",
        "beløbet er for stort",
    ]),
    Phrase([
        "the total is too large",
        "summan är för stor",
        "summen er for stor",
    ]),
    Phrase([
        "the quantity is too large",
        "storheten är för stor",
        "størrelsen er for stor",
    ]),
    Phrase([
        "the result is too large to carry exactly",
        "resultatet är för stort för att bäras exakt",
        "resultatet er for stort til at bæres eksakt",
    ]),
    Phrase([
        "a p-value that is not between 0 and 1",
        "ett p-värde inte ligger mellan 0 och 1",
        "en p-værdi ikke ligger mellem 0 og 1",
    ]),
    Phrase([
        "a standard error that is not above 0",
        "medelfelet inte är större än 0",
        "standardfejlen ikke er større end 0",
    ]),
    Phrase([
        "what was paid before is below zero",
        "det som redan betalats är under noll",
        "det allerede betalte er under nul",
    ]),
    Phrase([
        "what was paid before is no whole number of minor units",
        "det som redan betalats inte är hela minsta enheter",
        "det allerede betalte ikke er hele mindste enheder",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((_, place, after)) = next_place(rest) {
            found.push(place);
            rest = after;
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn every_phrase_has_the_same_places_in_every_language() {
        for phrase in ALL.iter().chain(REASONS).chain(WORDS) {
            let [english, swedish, danish] = phrase.0.map(places);
            assert_eq!(english, swedish, "{phrase:?}");
            assert_eq!(english, danish, "{phrase:?}");
            assert!(phrase.0.iter().all(|text| !text.trim().is_empty()));
        }
    }

    #[test]
    fn a_reason_is_told_in_each_language_and_a_foreign_one_stands() {
        let told = reason(
            Language::Swedish,
            "the input x.point is unavailable: not reported yet",
        );
        assert_eq!(told, "indata x.point saknas: not reported yet");
        let told = reason(Language::Danish, "pupils is 19, fewer than 20");
        assert_eq!(told, "pupils er 19, færre end 20");
        assert_eq!(reason(Language::Danish, "whatever"), "whatever");
        assert_eq!(word_of(Language::Swedish, "condition 2"), "villkor 2");
        assert_eq!(
            word_of(Language::Danish, "half-up"),
            "til nærmeste, halve væk fra nul"
        );
        assert_eq!(word_of(Language::English, "half-up"), "half-up");
        assert_eq!(word_of(Language::Swedish, "savings"), "savings");
    }
}
