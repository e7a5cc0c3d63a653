"""Writes the rate-card contracts and their cases from the published lines in `data`.

Run from this folder: python3 rate_cards.py
"""

import csv
import pathlib
import re
from collections import OrderedDict

HERE = pathlib.Path(__file__).parent
# Published totals paid, in whole pounds. No cap of the fund's contracts is published.
PAID = {
    "Ambition": 2_742_943,
    "Aspire": 1_313_690,
    "Depaul": 1_654_340,
    "Fusion": 2_513_800,
    "Home Group": 1_323_670,
    "Local Solutions": 1_323_670,
    "St Basil's": 2_622_375,
}
# Where a cap is known to have bound, so that it was what was paid.
CAPPED = {"Depaul", "Fusion"}


def rows(name):
    with open(HERE / "data" / name, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_project(all_rows):
    projects = OrderedDict()
    for row in all_rows:
        projects.setdefault((row["project_id"], row["project"]), []).append(row)
    return projects


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write(folder, header, lines, cases):
    folder = HERE / folder
    folder.mkdir(exist_ok=True)
    text = header
    for metric, title, price, claims in lines:
        text += f"""
[[quantity]]
name = "{metric}-claims"
kind = "input"
from = "{metric}.claims"
sign = "keep"
decimals = 0
rounding = "floor"
unit = "claims"
"""
    for metric, title, price, claims in lines:
        text += f'\n[[line]]\nname = "{metric}"\n'
        if title:
            text += f"title = {quoted(title)}\n"
        text += f'kind = "per-unit"\nunits = "{metric}-claims"\nprice = {price}\n'
        text += f'claims = {{ count = "{claims}" }}\n'
    (folder / "contract.toml").write_text(text, encoding="utf-8")
    (folder / "cases.toml").write_text(cases, encoding="utf-8")


def money(pounds):
    return f"{pounds:,}".replace(",", " ") + ".00 GBP"


def inputs(pairs):
    return "".join(f'"{metric}.claims" = {{ number = "{count}" }}\n' for metric, count in pairs)


def metric(row):
    return re.sub(r"outcomemetric(\d+)", r"metric-\1", row["metric"])


def care_leavers():
    for (project, title), lines in by_project(rows("care-leavers.csv")).items():
        name = {"INDIGO-POJ-0121": "reboot-west", "INDIGO-POJ-0122": "i-aspire", "INDIGO-POJ-0123": "apollo"}[project]
        header = f"""# Written by rate_cards.py from data/care-leavers.csv.
schema = "utfall-contract/1"
name = "care-leavers-{name}"
title = {quoted(title)}
notes = "Rate card. Claims are paid, not persons: the published count of persons is often lower."
sources = ["GO Lab, {project}"]
currency = "GBP"
rounding = {{ mode = "half-even", at = "line" }}
"""
        card = []
        for row in lines:
            implied = int(float(row["implied_claims"]))
            # A line with more claims than persons counts repeats.
            count = "every" if implied > int(row["results_count"]) else "first"
            card.append((metric(row), row["definition_as_published"], int(row["unit_price"]), count))
        claims = [(metric(row), int(float(row["implied_claims"]))) for row in lines]
        persons = [(metric(row), int(row["results_count"])) for row in lines]
        paid = sum(int(row["actual_paid"]) for row in lines)
        worth = sum(int(row["unit_price"]) * int(row["results_count"]) for row in lines)
        cases = f"""# Written by rate_cards.py from data/care-leavers.csv. Certainty A: what was paid is published.
contract = "contract.toml"

[[case]]
name = "claims: what was paid"
branch = "paid"
total = "{money(paid)}"
[case.inputs]
{inputs(claims)}
[[case]]
name = "persons, were each paid once"
branch = "paid"
total = "{money(worth)}"
[case.inputs]
{inputs(persons)}"""
        write(f"care-leavers-{name}", header, card, cases)


def fair_chance_fund():
    for (project, title), lines in by_project(rows("fair-chance-fund.csv")).items():
        name = re.sub(r"[^a-z]+", "-", title.lower().replace("'", "")).strip("-")
        paid, capped = PAID[title], title in CAPPED
        worth = sum(int(float(row["unit_price"])) * int(float(row["outcomes_achieved"] or 0)) for row in lines)
        notes = f"The cap of this contract is not published. Price times count is {money(worth)}; {money(paid)} was paid"
        if capped:
            notes += ", which is taken for the cap."
        elif title == "Home Group":
            notes += " as published, the very total of another contract of the fund: a copied row."
        else:
            notes += ", as published."
        header = f"""# Written by rate_cards.py from data/fair-chance-fund.csv.
schema = "utfall-contract/1"
name = "fair-chance-fund-{name}"
title = {quoted("Fair Chance Fund, " + title)}
notes = {quoted(notes)}
sources = ["GO Lab, {project}"]
currency = "GBP"
rounding = {{ mode = "half-even", at = "line" }}
"""
        if capped:
            header += f"cap = {paid}\n"
        card, counts = [], []
        for row in lines:
            count = int(float(row["outcomes_achieved"] or 0))
            card.append((metric(row), "", int(float(row["unit_price"])), "first"))
            counts.append((metric(row), count))
        if capped:
            note, case, total = "A: the cap binds at what was paid", "the cap binds", min(worth, paid)
        else:
            note, case, total = "B: price times count; what was paid is less", "price times count", worth
        cases = f"""# Written by rate_cards.py from data/fair-chance-fund.csv. Certainty {note}.
contract = "contract.toml"

[[case]]
name = "{case}"
branch = "paid"
total = "{money(total)}"
[case.inputs]
{inputs(counts)}"""
        write(f"fair-chance-fund-{name}", header, card, cases)


care_leavers()
fair_chance_fund()
