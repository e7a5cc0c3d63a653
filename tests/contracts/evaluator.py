"""A second evaluator of contracts, written from the manual and sharing nothing with the first.

Reads lines of JSON from standard input, each `{"contract": TOML text, "inputs": {name: input}}`, and writes one
line of JSON for each: how the contract ends, its total and each payer's part in minor units, and how each line ends.
It checks nothing: the contracts it is given are those the first evaluator accepted. Needs Python 3.11 and no package.
"""

import datetime
import decimal
import json
import re
import sys
import tomllib
from fractions import Fraction

EXPONENTS = {"SEK": 2, "GBP": 2, "JPY": 0, "KWD": 3, "EUR": 2, "USD": 2, "DKK": 2}
# No number of a contract or an effect is longer.
MOST_CHARACTERS, MOST_EXPONENT, MOST_BITS = 1000, 400, 8192
DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", re.ASCII)
RANK = {"deferred": 0, "not-measurable": 1}


class Gap(Exception):
    """Why something has no value: `deferred` or `not-measurable`."""

    @property
    def branch(self):
        return self.args[0]


def worst(gaps):
    """Of several gaps, not measurable prevails: waiting would not help."""
    return Gap("not-measurable" if any(g.branch == "not-measurable" for g in gaps) else "deferred")


def not_measurable():
    return Gap("not-measurable")


def fits(value):
    if value.numerator.bit_length() > MOST_BITS or value.denominator.bit_length() > MOST_BITS:
        raise not_measurable()
    return value


def parse(text):
    """A decimal number as text; anything else is unusable."""
    match = DECIMAL.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if not match:
        raise not_measurable()
    sign, whole, fraction, exponent = match.groups()
    if not whole and not fraction:
        raise not_measurable()
    exponent = int(exponent or 0)
    if abs(exponent) > MOST_EXPONENT:
        raise not_measurable()
    value = Fraction(int((whole or "") + (fraction or "")))
    value *= Fraction(10) ** (exponent - len(fraction or ""))
    return -value if sign == "-" else value


def literal(value):
    """A number of the contract: whole, decimal or a fraction of two."""
    if isinstance(value, int):
        return Fraction(value)
    if "/" in value:
        over, under = value.split("/")
        return parse(over) / parse(under)
    return parse(value)


def is_name(value):
    return isinstance(value, str) and value[:1].isalpha()


def to_whole(value, mode):
    below = value.numerator // value.denominator
    rest = value - below
    if rest == 0:
        return below
    half = Fraction(1, 2)
    if mode == "floor":
        up = False
    elif mode == "ceiling":
        up = True
    elif mode == "toward-zero":
        up = value < 0
    elif mode == "away-from-zero":
        up = value > 0
    elif rest != half:
        up = rest > half
    elif mode == "half-even":
        up = below % 2 == 1
    elif mode == "half-up":
        up = value > 0
    else:  # half-down
        up = value < 0
    return below + 1 if up else below


def to_decimals(value, decimals, mode):
    scale = 10**decimals
    return Fraction(to_whole(value * scale, mode), scale)


def compare(left, operator, right):
    return {
        ">=": left >= right,
        ">": left > right,
        "<=": left <= right,
        "<": left < right,
        "=": left == right,
    }[operator]


def normal_distribution(z):
    """The probability that a standard normal variable is at most z; 0 or 1 beyond 12 standard errors."""
    if abs(z) > 12:
        return Fraction(int(z > 0))
    with decimal.localcontext() as context:
        context.prec = 120
        x = decimal.Decimal(z.numerator) / decimal.Decimal(z.denominator)
        # Marsaglia (2004): Φ(x) = ½ + φ(x)(x + x³/3 + x⁵/(3·5) + …), all terms of one sign.
        term = total = x
        n = 1
        while abs(term) > decimal.Decimal(10) ** -110:
            n += 2
            term = term * x * x / n
            total += term
        density = (-x * x / 2).exp() / (2 * pi()).sqrt()
        return Fraction(decimal.Decimal("0.5") + density * total)


def pi():
    def inverse_tangent(n):
        term = total = decimal.Decimal(1) / n
        k = 1
        while abs(term) > decimal.Decimal(10) ** -118:
            term = -term / (n * n)
            k += 2
            total += term / k
        return total

    return 4 * (4 * inverse_tangent(5) - inverse_tangent(239))


def adjusted_p(of, among, rule):
    """The p-value of `of` adjusted for the family: the least level at which its procedure rejects it."""
    if not all(0 <= p <= 1 for p in among):
        raise not_measurable()
    n = len(among)
    ordered = sorted(among)
    if rule == "none":
        return of
    if rule == "bonferroni":
        return min(Fraction(1), of * n)
    if rule == "holm":
        running, found = Fraction(0), {}
        for place, p in enumerate(ordered):
            running = max(running, min(Fraction(1), p * (n - place)))
            found.setdefault(p, running)
        return found[of]
    running, found = Fraction(1), {}
    for place in range(n - 1, -1, -1):
        p = ordered[place]
        factor = Fraction(n - place) if rule == "hochberg" else Fraction(n, place + 1)
        running = min(running, p * factor)
        found[p] = running
    return found[of]


def amend(contract, amendment):
    """The contract as an amendment leaves it."""
    after = {key: value for key, value in contract.items() if key != "amendment"}
    kinds = ["effect", "quantity", "line", "group", "party"]
    for kind in kinds:
        after[kind] = [e for e in after.get(kind, []) if e["name"] not in amendment.get("removes", [])]
        for entry in amendment.get(kind, []):
            names = [e["name"] for e in after[kind]]
            if entry["name"] in names:
                after[kind][names.index(entry["name"])] = entry
            else:
                after[kind] = after[kind] + [entry]
    for key in ["floor", "cap", "paid-before", "set-off"]:
        if key in amendment:
            after[key] = amendment[key]
    return after


class Evaluation:
    def __init__(self, contract, inputs):
        self.contract = contract
        self.inputs = inputs
        self.decimals = EXPONENTS[contract["currency"]]
        self.quantities = {q["name"]: q for q in contract.get("quantity", [])}
        self.effects = {e["name"]: e for e in contract.get("effect", [])}
        self.known = {}
        self.ended = {}
        self.amounts = {}

    # Inputs.

    def read(self, name, kind):
        if name not in self.inputs:
            raise not_measurable()
        given = self.inputs[name]
        if "unavailable" in given:
            raise Gap(given["unavailable"]["branch"])
        if kind not in given:
            raise not_measurable()
        return given[kind]

    def accepted(self, effect):
        estimand = self.read(effect["name"] + ".estimand", "text")
        if estimand not in effect["estimands"]:
            raise not_measurable()

    # Quantities.

    def value(self, operand):
        if not is_name(operand):
            return literal(operand)
        if operand not in self.known:
            try:
                self.known[operand] = self.compute(self.quantities[operand])
            except Gap as gap:
                self.known[operand] = gap
        found = self.known[operand]
        if isinstance(found, Gap):
            raise found
        return found

    def values(self, operands):
        found, gaps = [], []
        for operand in operands:
            try:
                found.append(self.value(operand))
            except Gap as gap:
                gaps.append(gap)
        if gaps:
            raise worst(gaps)
        return found

    def compute(self, q):
        kind = q["kind"]
        if kind == "input":
            text = self.read(q["from"], "number")
            effect = self.effects.get(q["from"].rpartition(".")[0])
            if effect:
                self.accepted(effect)
            value = parse(text)
            value = -value if q["sign"] == "flip" else value
            return to_decimals(value, q["decimals"], q["rounding"])
        if kind == "constant":
            return literal(q["value"])
        if kind == "difference":
            of, less = self.values([q["of"], q["less"]])
            return fits(of - less)
        if kind == "ratio":
            of, to = self.values([q["of"], q["to"]])
            if to == 0:
                raise not_measurable()
            return fits(of / to)
        if kind == "relative-reduction":
            start, end = self.values([q["from"], q["to"]])
            if start == 0:
                raise not_measurable()
            return fits((start - end) / start)
        if kind == "share-of":
            of, share = self.values([q["of"], q["share"]])
            return fits(of * share)
        if kind == "sum":
            total = Fraction(0)
            for value in self.values(q["of"]):
                total = fits(total + value)
            return total
        if kind == "product":
            total = Fraction(1)
            for value in self.values(q["of"]):
                total = fits(total * value)
            return total
        if kind == "minimum":
            return min(self.values(q["of"]))
        if kind == "maximum":
            return max(self.values(q["of"]))
        if kind == "first-available":
            for operand in q["of"]:
                try:
                    return self.value(operand)
                except Gap as gap:
                    if gap.branch == "deferred":
                        raise
            raise not_measurable()
        if kind == "rounded":
            return fits(to_decimals(self.value(q["of"]), q["decimals"], q["rounding"]))
        if kind == "adjusted-p-value":
            of, *among = self.values([q["of"], *q["among"]])
            return adjusted_p(of, among, q["rule"])
        if kind == "probability-above":
            point, error, threshold = self.values([q["point"], q["standard-error"], q["threshold"]])
            if error <= 0:
                raise not_measurable()
            probability = normal_distribution((point - threshold) / error)
            return to_decimals(probability, q["decimals"], q["rounding"])
        if kind == "compound":
            of, rate, periods = self.values([q["of"], q["rate"], q["periods"]])
            if periods.denominator != 1 or not 0 <= periods <= 600:
                raise not_measurable()
            for _ in range(int(periods)):
                of = fits(of * (1 + rate))
            return of
        raise ValueError(kind)

    # Conditions: True, False, or a Gap.

    def condition(self, c):
        if "all" in c or "any" in c:
            settles = "any" in c
            results = [self.condition(one) for one in c["any" if settles else "all"]]
            if any(result is settles for result in results):
                return settles
            gaps = [result for result in results if isinstance(result, Gap)]
            return worst(gaps) if gaps else not settles
        try:
            if "quantity" in c:
                left, right = self.values([c["quantity"], c["value"]])
                return compare(left, c["operator"], right)
            if "flag" in c:
                return self.read(c["flag"], "flag") == c["equals"]
            if "text" in c:
                return self.read(c["text"], "text") in c["one-of"]
        except Gap as gap:
            return gap
        ended = self.ended[c["line"]]
        if ended in RANK and c["ended"] not in RANK:
            return Gap(ended)
        return ended == c["ended"]

    # Lines.

    def line(self, line):
        if not self.gate(line):
            return Fraction(0)
        minimum = line.get("minimum")
        if minimum:
            of, least = self.values([minimum["of"], minimum["at-least"]])
            if of < least:
                otherwise = minimum["otherwise"]
                if otherwise in RANK:
                    raise Gap(otherwise)
                if otherwise == "nothing-due":
                    return Fraction(0)
                return self.within_bounds(line, self.value(minimum["amount"]))
        return self.within_bounds(line, self.kind(line))

    def gate(self, line):
        requires = self.condition(line["requires"]) if "requires" in line else True
        if requires is False:
            requires = not_measurable()
        when = self.condition(line["when"]) if "when" in line else True
        gaps = [found for found in (requires, when) if isinstance(found, Gap)]
        if gaps:
            raise worst(gaps)
        return when

    def basis(self, line, operand):
        """The quantity a line pays on, less its deadweight."""
        deadweight = line.get("deadweight")
        if not deadweight:
            return self.value(operand)
        if "fraction" in deadweight:
            of, fraction = self.values([operand, deadweight["fraction"]])
            return fits(of - of * fraction)
        of, fixed = self.values([operand, deadweight["fixed"]])
        return fits(of - fixed)

    def both(self, *readers):
        found, gaps = [], []
        for reader in readers:
            try:
                found.append(reader())
            except Gap as gap:
                gaps.append(gap)
        if gaps:
            raise worst(gaps)
        return found

    def kind(self, line):
        kind = line["kind"]
        if kind == "fixed":
            return self.value(line["amount"])
        if kind == "per-unit":
            units, price = self.both(
                lambda: self.basis(line, line["units"]), lambda: self.value(line["price"])
            )
            return units * price
        if kind == "share":
            value = self.basis(line, line["of"])
            total = Fraction(0)
            for band in line["bands"]:
                total += self.inside(value, band) * self.value(band["share"])
            return fits(total)
        if kind == "steps":
            value = self.basis(line, line["of"])
            reached = [s for s in line["steps"] if compare(value, line["operator"], self.value(s["threshold"]))]
            if "rate-on" in line:
                rate = self.value(reached[-1]["rate"]) if reached else Fraction(0)
                return fits(rate * self.value(line["rate-on"]))
            return self.value(reached[-1]["amount"]) if reached else Fraction(0)
        if kind == "piecewise":
            value = self.basis(line, line["of"])
            stated = "rate" if "rate-on" in line else "amount"
            points = [(self.value(p["at"]), self.value(p[stated])) for p in line["points"]]
            read = fits(read_off(points, value, line.get("at-jump"), line["below"], line["above"]))
            return fits(read * self.value(line["rate-on"])) if "rate-on" in line else read
        if kind == "pool":
            attained = self.both(*[lambda m=m: self.attained(m) for m in line["metrics"]])
            score = Fraction(0)
            for part, metric in zip(attained, line["metrics"]):
                score = fits(score + part * self.value(metric["weight"]))
            points = [(self.value(p["score"]), self.value(p["pays"])) for p in line["performance"]]
            part = fits(read_off(points, score, line.get("at-jump"), "first-point", "last-point"))
            return fits(self.value(line["amount"]) * part)
        raise ValueError(kind)

    def inside(self, value, band):
        low, high = min(value, Fraction(0)), max(value, Fraction(0))
        low = max(low, self.value(band["from"]))
        if "to" in band:
            high = min(high, self.value(band["to"]))
        length = max(high - low, Fraction(0))
        return -length if value < 0 else length

    def attained(self, metric):
        value, start, end = self.values([metric["of"], metric["from"], metric["to"]])
        return fits(min(max((value - start) / (end - start), Fraction(0)), Fraction(1)))

    def within_bounds(self, line, amount):
        clawback = line.get("clawback", False)
        amount = amount if clawback else max(amount, Fraction(0))
        per = line.get("per", {})
        for key, mode, pick in [("floor", "ceiling", max), ("cap", "floor", min)]:
            if key in per:
                bound, of = self.values([per[key], per["of"]])
                amount = pick(amount, to_decimals(fits(bound * of), self.decimals, mode))
        amount = self.bounded(line, amount)
        amount = amount if clawback else max(amount, Fraction(0))
        if self.contract["rounding"]["at"] == "line":
            return self.rounded(amount)
        return fits(amount)

    def bounded(self, bounds, amount):
        if "floor" in bounds:
            amount = max(amount, to_decimals(self.value(bounds["floor"]), self.decimals, "ceiling"))
        if "cap" in bounds:
            if "paid-before" in bounds:
                cap, before = self.values([bounds["cap"], bounds["paid-before"]])
                if before < 0:
                    raise not_measurable()
                cap = max(cap - before, Fraction(0))
            else:
                cap = self.value(bounds["cap"])
            amount = min(amount, to_decimals(cap, self.decimals, "floor"))
        return amount

    def rounded(self, amount):
        whole = to_decimals(amount, self.decimals, self.contract["rounding"]["mode"])
        return self.as_money(whole)

    def as_money(self, amount):
        minor = amount * 10**self.decimals
        if minor.denominator != 1 or not -(2**127) <= minor < 2**127:
            raise not_measurable()
        return amount

    # The whole.

    def evaluate(self):
        for line in self.contract["line"]:
            name = line["name"]
            try:
                amount = self.line(line)
                self.amounts[name] = amount
                self.ended[name] = sign_branch(amount)
            except Gap as gap:
                self.amounts[name] = Fraction(0)
                self.ended[name] = gap.branch
        try:
            total = self.total()
            self.payer_caps()
            branch = sign_branch(total) if total else self.branch_of_nothing()
        except Gap as gap:
            return self.result(Fraction(0), gap.branch, [0] * len(self.payers()))
        parts, unpaid = self.split(int(total * 10**self.decimals))
        if unpaid:
            total -= Fraction(unpaid, 10**self.decimals)
            branch = sign_branch(total)
        return self.result(total, branch, parts)

    def result(self, total, branch, parts):
        return {
            "branch": branch,
            "total": str(int(total * 10**self.decimals)),
            "payers": [str(part) for part in parts],
            "lines": [self.ended[line["name"]] for line in self.contract["line"]],
        }

    def total(self):
        grouped = set()
        groups = Fraction(0)
        for group in self.contract.get("group", []):
            grouped.update(group["lines"])
            amount = sum((self.amounts[line] for line in group["lines"]), Fraction(0))
            try:
                groups += self.bounded(group, fits(amount))
            except Gap:
                pass  # A group whose bounds are not known pays nothing.
        alone = [line["name"] for line in self.contract["line"] if line["name"] not in grouped]
        total = fits(sum((self.amounts[name] for name in alone), groups))
        total = self.bounded(self.contract, total)
        set_off = self.contract.get("set-off")
        takes_back = any(line.get("clawback", False) for line in self.contract["line"])
        if not takes_back:
            total = max(total, Fraction(0))
        if self.contract["rounding"]["at"] == "total":
            total = self.rounded(total)
        if set_off:
            paid = self.value(set_off["paid"])
            if paid < 0:
                raise not_measurable()
            self.as_money(paid)
            left = total - paid
            undecided = any(ended in RANK for ended in self.ended.values())
            if left < 0 and (set_off["excess"] == "kept" or undecided):
                left = min(Fraction(0), total)
            total = left
        return self.as_money(total)

    def branch_of_nothing(self):
        ended = set(self.ended.values())
        for branch in ["not-measurable", "deferred"]:
            if branch in ended:
                return branch
        return "nothing-due"

    # Payers.

    def payers(self):
        return [p for p in self.contract.get("party", []) if p["role"] == "payer"]

    def payer_caps(self):
        scale = 10**self.decimals
        return [
            max(0, to_whole(self.value(p["cap"]) * scale, "floor")) if "cap" in p else None
            for p in self.payers()
        ]

    def split(self, minor):
        payers = self.payers()
        if not payers:
            return [], 0
        exact = [literal(p["share"]) * minor for p in payers]
        parts = [to_whole(part, "toward-zero") for part in exact]
        left = minor - sum(parts)
        rule = self.contract.get("remainder", "first-payer")
        if rule == "first-payer":
            parts[0] += left
        elif rule == "last-payer":
            parts[-1] += left
        else:
            lost = sorted(range(len(parts)), key=lambda i: (-abs(exact[i] - parts[i]), i))
            for i in lost[: abs(left)]:
                parts[i] += 1 if left > 0 else -1
        beyond = 0
        caps = self.payer_caps()
        for i, cap in enumerate(caps):
            if cap is not None and parts[i] > cap:
                beyond += parts[i] - cap
                parts[i] = cap
        if self.contract.get("beyond-payer-cap") == "other-payers":
            for i, cap in enumerate(caps):
                taken = beyond if cap is None else min(beyond, cap - parts[i])
                if taken > 0:
                    parts[i] += taken
                    beyond -= taken
        return parts, beyond


def read_off(points, value, at_jump, below, above):
    """The value on the straight lines between points, which may jump."""
    if value < points[0][0]:
        return Fraction(0) if below == "nothing" else points[0][1]
    if value > points[-1][0]:
        if above == "nothing":
            return Fraction(0)
        if above == "last-point":
            return points[-1][1]
        start = [p for p in points if p[0] < points[-1][0]][-1]
        return on_line(start, points[-1], value)
    here = [amount for at, amount in points if at == value]
    if here:
        return here[0] if at_jump == "before" else here[-1]
    start = [p for p in points if p[0] < value][-1]
    end = [p for p in points if p[0] > value][0]
    return on_line(start, end, value)


def on_line(start, end, value):
    return start[1] + (end[1] - start[1]) / (end[0] - start[0]) * (value - start[0])


def sign_branch(amount):
    return "paid" if amount > 0 else "repayment-due" if amount < 0 else "nothing-due"


def evaluate(text, inputs):
    contract = tomllib.loads(text, parse_float=str)
    amendments = contract.get("amendment", [])
    if amendments:
        given = inputs.get("terms.date", {})
        try:
            if "unavailable" in given:
                raise Gap(given["unavailable"]["branch"])
            try:
                if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", given["text"], re.ASCII):
                    raise ValueError
                day = datetime.date.fromisoformat(given["text"])
            except (KeyError, ValueError):
                raise not_measurable() from None
        except Gap as gap:
            payers = [p for p in contract.get("party", []) if p["role"] == "payer"]
            return {
                "branch": gap.branch,
                "total": "0",
                "payers": ["0"] * len(payers),
                "lines": [gap.branch for _ in contract["line"]],
            }
        for amendment in amendments:
            if datetime.date.fromisoformat(amendment["effective"]) <= day:
                contract = amend(contract, amendment)
    return Evaluation(contract, inputs).evaluate()


def main():
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps(evaluate(case["contract"], case["inputs"])))


if __name__ == "__main__":
    main()
