"""Writes the cases of options that no case of published software reaches.

usage: python options.py   (from this folder; NumPy, SciPy, pandas, statsmodels, rdrobust)

Each number is computed here anew, by a formula or a search that can be read at a glance, or by the package named in the
case. Requests are written as they are asked.
"""

import json
import warnings
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.api as sm
from scipy.optimize import linear_sum_assignment, linprog, nnls
from scipy.spatial.distance import cdist
from scipy.stats import nct, norm, rankdata, t as student

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
OUT = HERE.parent / "requests"
DATA = HERE.parent / "data"
NUMPY = f"NumPy {np.__version__}; SciPy {scipy.__version__}"
MODELS = f"statsmodels {statsmodels.__version__}; {NUMPY}"
MATCHIT = "GPL-2 or later (R package MatchIt)"
COVARIATES = ["age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75"]
lalonde = pd.read_csv(DATA / "lalonde.csv")
TREATED = lalonde.treat.values == 1
DESIGN = sm.add_constant(lalonde[COVARIATES].values)


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def write(name, what, software, licence, request, expected, tolerance=1e-7, estimand=None, notes=""):
    lines = ['schema = "utfall-case/1"', f"what = {toml(what)}"]
    if estimand:
        lines.append(f'estimand = "{estimand}"')
    lines += ["", "[source]", f"software = {toml(software)}", 'call = "scripts/options.py"']
    lines.append(f"data-licence = {toml(licence)}")
    if notes:
        lines.append(f"notes = {toml(notes)}")
    lines += ["", "[request]", 'schema = "utfall-request/1"']
    lines += [f"{key} = {toml(value)}" for key, value in request.items() if not isinstance(value, dict)]
    for key, value in request.items():
        if isinstance(value, dict):
            lines += ["", f"[request.{key}]"]
            lines += [f"{inner} = {toml(one)}" for inner, one in value.items()]
    lines += ["", "[expected]"]
    flat = {key: value for key, value in expected.items() if not isinstance(value, dict)}
    lines += [f"{key} = {float(value)!r}" for key, value in flat.items()]
    for key, block in expected.items():
        if isinstance(block, dict):
            lines += ["", f"[expected.{key}]"]
            lines += [f"{toml(str(inner))} = {float(value)!r}" for inner, value in block.items()]
    lines += ["", "[tolerance]", f"default = {tolerance}", ""]
    (OUT / f"options-{name}.toml").write_text("\n".join(lines))


def compare(**parts):
    return {
        "data": "../data/lalonde.csv",
        "id": "id",
        "estimand": parts.pop("estimand", "att"),
        "treatment": {"column": "treat", "treated": "1", "comparator": "0"},
        **parts,
    }


BALANCE = {"covariates": COVARIATES, "smd-denominator": "treated"}
NEAREST = {"ratio": 1, "reuse": "allow", "order": "data", "ties": "lowest-id"}


EFFECT = {
    "estimator": "matched-difference",
    "outcome": "re78",
    "standard-error": "cr1",
    "cluster-by": ["matched-set"],
    "degrees-of-freedom": "clusters",
    "confidence-level": 0.95,
}


def score(link=None, **options):
    family = sm.families.Binomial(link or sm.families.links.Logit())
    fit = sm.GLM(TREATED.astype(float), DESIGN, family=family, **options).fit(tol=1e-15, maxiter=1000)
    return fit.predict(), DESIGN @ fit.params


# --- matching

def differences_in_differences():
    strata = lalonde.groupby(["black", "hispan", "married", "nodegree"]).ngroup().values
    weight = np.zeros(len(lalonde))
    for stratum in np.unique(strata):
        here = strata == stratum
        n_treated, n_comparator = (here & TREATED).sum(), (here & ~TREATED).sum()
        if n_treated and n_comparator:
            weight[here & TREATED] = 1
            weight[here & ~TREATED] = n_treated / n_comparator
    kept = weight > 0
    change = (lalonde.re78 - lalonde.re75).values
    arms = sm.add_constant(TREATED[kept].astype(float))
    fit = sm.WLS(change[kept], arms, weights=weight[kept]).fit(cov_type="HC0")
    effect, se = fit.params[1], fit.bse[1]
    n = (kept & TREATED).sum()
    savings, savings_se = 2 * n * effect, n * np.hypot(2 * se, 0.3 * effect)
    money = {
        "saves": "rise",
        "unit-cost": {"amount": 2.0, "standard-error": 0.3},
        "payers": [{"name": "municipality", "share": 0.25}, {"name": "state", "share": 0.75}],
        "programme-cost": {"amount": 100000.0, "standard-error": 5000.0},
    }
    request = compare(
        matching={"exact": ["black", "hispan", "married", "nodegree"]},
        effect={
            "estimator": "matched-difference-in-differences",
            "outcome": "re78",
            "baseline": "re75",
            "standard-error": "hc0",
            "degrees-of-freedom": "normal",
            "confidence-level": 0.95,
            "money": money,
        },
    )
    expected = {
        "estimate": effect,
        "se": se,
        "n_treated_matched": n,
        "savings": savings,
        "savings_se": savings_se,
        "net_benefit": savings - 1e5,
        "net_benefit_se": np.hypot(savings_se, 5000),
        "cost_per_outcome": 1e5 / (n * effect),
        "savings_by_payer": {"municipality": savings / 4, "state": 3 * savings / 4},
        "savings_by_payer_se": {"municipality": savings_se / 4, "state": 3 * savings_se / 4},
    }
    what = "a change in earnings within exact strata, and what it is worth to two payers"
    write("differences-in-differences-money", what, MODELS, MATCHIT, request, expected, 1e-9)


def links():
    known = sm.families.links
    for name, link in [("probit", known.Probit()), ("cloglog", known.CLogLog()), ("cauchit", known.Cauchy())]:
        for scale, distance in zip(["probability", "linear"], score(link)):
            nearest = np.abs(distance[TREATED][:, None] - distance[~TREATED][None]).min(axis=1)
            within = nearest <= 0.05
            expected = {
                "distance_mean_treated": distance[TREATED].mean(),
                "distance_mean_comparator": distance[~TREATED].mean(),
                "distance_sd_all": distance.std(ddof=1),
                "caliper_width": 0.05,
                "n_treated_matched": within.sum(),
                "sum_abs_distance": nearest[within].sum(),
            }
            caliper = {"width": 0.05, "scale": "raw"}
            request = compare(
                matching={
                    "covariates": COVARIATES,
                    "distance": {"propensity": {"link": name, "scale": scale}},
                    "nearest": NEAREST | {"caliper": caliper},
                },
                balance=BALANCE,
            )
            what = f"the nearest with replacement on a {name} score, {scale}, within a raw caliper"
            write(f"score-{name}-{scale}", what, MODELS, MATCHIT, request, expected, 1e-6)


def discards():
    probability, _ = score()
    lo, hi = probability[~TREATED].min(), probability[~TREATED].max()
    apart_treated = TREATED & ((probability < lo) | (probability > hi))
    lo, hi = probability[TREATED].min(), probability[TREATED].max()
    apart_comparator = ~TREATED & ((probability < lo) | (probability > hi))
    for arm, apart in [("treated", apart_treated), ("comparator", apart_comparator)]:
        nearest = np.abs(probability[TREATED & ~apart][:, None] - probability[~TREATED & ~apart][None]).min(axis=1)
        request = compare(
            matching={"covariates": COVARIATES, "distance": "propensity-score", "discard": arm, "nearest": NEAREST},
            balance=BALANCE,
        )
        expected = {"n_treated_matched": len(nearest), "sum_abs_distance": nearest.sum()}
        what = f"the nearest with replacement, {arm} units outside the other arm's scores left out"
        write(f"discard-{arm}", what, MODELS, MATCHIT, request, expected)


def sampled_score():
    weight = (1 + lalonde.age % 3).values.astype(float)
    probability, _ = score(freq_weights=weight)
    nearest = np.abs(probability[TREATED][:, None] - probability[~TREATED][None]).min(axis=1)
    request = compare(
        derive=[{"name": "w", "formula": "1 + age - 3 * floor(age / 3)"}],
        matching={
            "covariates": COVARIATES,
            "distance": "propensity-score",
            "sampling-weight": "w",
            "nearest": NEAREST,
        },
        balance=BALANCE,
    )
    expected = {"distance_mean_treated": probability[TREATED].mean(), "sum_abs_distance": nearest.sum()}
    expected["mean_treated_before"] = {
        name: np.average(lalonde[name][TREATED], weights=weight[TREATED]) for name in COVARIATES
    }
    what = "a score estimated with sampling weights from a derived column"
    write("sampling-weight-matching", what, MODELS, MATCHIT, request, expected)


def greedy(distance, quotas=None, n_uses=1):
    """Pairs of places in the arms: everyone a first in the order of the data before anyone a second."""
    free = np.full(distance.shape[1], n_uses)
    quotas = np.ones(len(distance), int) if quotas is None else quotas
    pairs = []
    for turn in range(quotas.max()):
        for unit in range(len(distance)):
            taken = [other for one, other in pairs if one == unit]
            if quotas[unit] <= turn or len(taken) < turn:
                continue
            row = np.where(free > 0, distance[unit], np.inf)
            row[taken] = np.inf
            best = int(np.argmin(row))
            if np.isfinite(row[best]):
                pairs.append((unit, best))
                free[best] -= 1
    return pairs


def rules():
    age, educ = lalonde.age.values.astype(float), lalonde.educ.values.astype(float)
    distance = np.abs(age[TREATED][:, None] - age[~TREATED][None])
    earned = lalonde.re75.values
    apart = np.abs(earned[TREATED][:, None] - earned[~TREATED][None])
    allowed = apart <= 0.25 * earned.std(ddof=1)
    allowed &= np.abs(educ[TREATED][:, None] - educ[~TREATED][None]) > 1
    married = lalonde.married.values
    allowed &= married[TREATED][:, None] != married[~TREATED][None]
    pairs = greedy(np.where(allowed, distance, np.inf))
    outcome = lalonde.re78.values
    one, other = np.array(pairs).T
    request = compare(
        matching={
            "distance": {"column": "age"},
            "calipers": [
                {"column": "re75", "width": 0.25, "scale": "sd"},
                {"column": "educ", "width": -1.0, "scale": "raw"},
            ],
            "unlike": ["married"],
            "nearest": NEAREST | {"reuse": "forbid"},
        },
        effect=EFFECT,
    )
    expected = {
        "n_pairs": len(pairs),
        "sum_abs_distance": distance[one, other].sum(),
        "estimate": outcome[TREATED][one].mean() - outcome[~TREATED][other].mean(),
    }
    what = "pairs near in age whose earnings are near, whose education differs and whose marriage does too"
    write("calipers-and-unlike", what, NUMPY, MATCHIT, request, expected, 1e-9)


def ranks():
    names = ["age", "educ", "re74", "re75", "married"]
    units = np.column_stack([rankdata(lalonde[name]) for name in names])
    spread = np.arange(1, len(lalonde) + 1).var(ddof=1)
    covariance = np.cov(units.T)
    scale = np.sqrt(spread / np.diag(covariance))
    covariance = covariance * np.outer(scale, scale)
    inverse = np.linalg.inv(covariance)
    distance = cdist(units[TREATED], units[~TREATED], "mahalanobis", VI=inverse)
    plain = lalonde[names].values
    arms = np.sqrt((plain[TREATED].var(axis=0, ddof=1) * (TREATED.sum() - 1)
                    + plain[~TREATED].var(axis=0, ddof=1) * ((~TREATED).sum() - 1)) / (len(lalonde) - 2))
    for name, apart in [
        ("robust-mahalanobis", distance),
        ("scaled-euclidean", cdist(plain[TREATED] / arms, plain[~TREATED] / arms)),
    ]:
        nearest = apart.argmin(axis=1)
        outcome = lalonde.re78.values
        request = compare(
            matching={"covariates": names, "distance": name, "nearest": NEAREST},
            effect=EFFECT,
        )
        expected = {
            "estimate": (outcome[TREATED] - outcome[~TREATED][nearest]).mean(),
            "n_comparator_matched": len(set(nearest)),
        }
        write(f"distance-{name}", f"the nearest with replacement by {name}", NUMPY, MATCHIT, request, expected)


def variable():
    probability, _ = score()
    n = TREATED.sum()
    # From where comparators are plenty, which here is the low end.
    order = np.lexsort((-np.arange(n), probability[TREATED]))
    quotas = np.ones(n, int)
    spare = n
    for unit in order:
        more = min(spare, 3)
        quotas[unit] += more
        spare -= more
    distance = np.abs(probability[TREATED][:, None] - probability[~TREATED][None])
    pairs = greedy(distance, quotas)
    one, other = np.array(pairs).T
    request = compare(
        matching={
            "covariates": COVARIATES,
            "distance": "propensity-score",
            "nearest": NEAREST | {"ratio": 2, "reuse": "forbid", "variable": {"fewest": 1, "most": 4}},
        },
        balance=BALANCE,
    )
    expected = {"n_pairs": len(pairs), "sum_abs_distance": distance[one, other].sum()}
    what = "one to four comparators, two in the mean"
    write("variable-ratio", what, MODELS, MATCHIT, request, expected)


def least_distance(distance, fewest, most, n_used):
    """The least sum of distances of a transport of comparators to treated units, by linear programming."""
    rows, columns = distance.shape
    cells = [(i, j) for i in range(rows) for j in range(columns) if np.isfinite(distance[i, j])]
    place = np.array(cells)
    n = len(cells)
    by_row = scipy.sparse.csr_matrix((np.ones(n), (place[:, 0], np.arange(n))), shape=(rows, n))
    by_column = scipy.sparse.csr_matrix((np.ones(n), (place[:, 1], np.arange(n))), shape=(columns, n))
    upper = scipy.sparse.vstack([by_row, -by_row, by_column])
    bounds = np.concatenate([np.full(rows, most), np.full(rows, -fewest), np.ones(columns)])
    every = scipy.sparse.csr_matrix(np.ones((1, n)))
    cost = distance[place[:, 0], place[:, 1]]
    found = linprog(cost, A_ub=upper, b_ub=bounds, A_eq=every, b_eq=[n_used], bounds=(0, 1), method="highs")
    return found.fun


def full():
    probability, _ = score()
    distance = np.abs(probability[TREATED][:, None] - probability[~TREATED][None])
    n_treated, n_comparator = distance.shape
    limits = {"min-comparators": 1, "max-comparators": 4, "max-treated": 1}
    for name, options, n_used in [
        ("limits", limits, n_comparator),
        ("omit-share", limits | {"omit": {"share": 0.2}}, round(0.8 * n_comparator)),
        ("omit-mean", limits | {"omit": {"beyond-mean": 2}}, 2 * n_treated),
    ]:
        least = least_distance(distance, 1, 4, n_used)
        request = compare(
            matching={"covariates": COVARIATES, "distance": "propensity-score", "full": options}, balance=BALANCE
        )
        expected = {"sum_abs_distance": least}
        if name == "limits":
            expected["n_comparator_matched"] = n_comparator
        what = f"sets of one treated unit and one to four comparators: {name}"
        write(f"full-{name}", what, MODELS, MATCHIT, request, expected)
    width = 0.1 * probability.std(ddof=1)
    near = np.where(distance <= width, distance, np.inf)
    # As many pairs as can be, then the least sum of distances.
    penalised = np.where(np.isfinite(near), near, 1e3)
    one, other = linear_sum_assignment(penalised)
    made = np.isfinite(near[one, other])
    request = compare(
        matching={
            "covariates": COVARIATES,
            "distance": "propensity-score",
            "optimal": {"ratio": 1, "caliper": {"width": 0.1, "scale": "sd-of-distance"}},
        },
        balance=BALANCE,
    )
    expected = {"n_pairs": made.sum(), "sum_abs_distance": near[one, other][made].sum(), "caliper_width": width}
    write("optimal-caliper", "optimal pairs within a caliper", MODELS, MATCHIT, request, expected)


def bins():
    def equal_width(column, n):
        low, high = column.min(), column.max()
        return np.clip(np.floor((column - low) / (high - low) * n), 0, n - 1)

    def quantiles(column, n):
        cuts = np.quantile(column, np.arange(1, n) / n)
        return np.searchsorted(np.unique(cuts), column, side="right")

    strata = pd.Series(list(zip(equal_width(lalonde.age.values, 5), quantiles(lalonde.re75.values, 4))))
    strata = strata.astype(str).values
    weight = np.zeros(len(lalonde))
    n_strata = 0
    for stratum in np.unique(strata):
        here = strata == stratum
        n_treated, n_comparator = (here & TREATED).sum(), (here & ~TREATED).sum()
        if n_treated and n_comparator:
            n_strata += 1
            weight[here & TREATED] = 1
            weight[here & ~TREATED] = n_treated / n_comparator
    outcome = lalonde.re78.values
    request = compare(
        matching={
            "coarsened": [
                {"column": "age", "bins": {"equal-width": 5}},
                {"column": "re75", "bins": {"quantiles": 4}},
            ]
        },
        effect={
            "estimator": "matched-difference",
            "outcome": "re78",
            "standard-error": "hc1",
            "degrees-of-freedom": "residual",
            "confidence-level": 0.95,
        },
    )
    expected = {
        "n_strata": n_strata,
        "n_treated_matched": (weight[TREATED] > 0).sum(),
        "n_comparator_matched": (weight[~TREATED] > 0).sum(),
        "estimate": np.average(outcome[TREATED], weights=weight[TREATED])
        - np.average(outcome[~TREATED], weights=weight[~TREATED]),
    }
    write("bins", "strata of equal widths and of quantiles", NUMPY, MATCHIT, request, expected, 1e-9)


# --- weighting, balance and what is made of them

def moments(weight, arm=TREATED):
    return {name: np.average(lalonde[name][arm], weights=weight[arm]) for name in COVARIATES}


def weigh(name, what, weighting, weight, estimand="ate", tolerance=1e-7, further=None, software=MODELS):
    """Weighted means of both arms, the effect, and the effective sizes of `weight`."""
    outcome = lalonde.re78.values
    of = {True: weight * TREATED, False: weight * ~TREATED}
    means = {arm: np.average(outcome, weights=of[arm]) for arm in of}
    request = compare(
        estimand=estimand,
        derive=[{"name": "w", "formula": "1 + age - 3 * floor(age / 3)"}],
        weighting={"covariates": COVARIATES, **weighting},
        balance=BALANCE | {"smd-denominator": "weighted"},
        effect={
            "estimator": "weighted-difference",
            "outcome": "re78",
            "standard-error": "hc0",
            "degrees-of-freedom": "normal",
            "confidence-level": 0.95,
        },
    )
    fit = sm.WLS(outcome[weight > 0], sm.add_constant(TREATED[weight > 0].astype(float)), weights=weight[weight > 0])
    smd = {}
    for covariate in COVARIATES:
        column = lalonde[covariate].values.astype(float)
        gap = np.average(column, weights=of[True]) - np.average(column, weights=of[False])
        smd[covariate] = gap
    expected = {
        "estimate": means[True] - means[False],
        "se": fit.fit(cov_type="HC0").bse[1],
        "outcome_mean_treated": means[True],
        "outcome_mean_comparator": means[False],
        "ess_treated": of[True].sum() ** 2 / (of[True] ** 2).sum(),
        "ess_comparator": of[False].sum() ** 2 / (of[False] ** 2).sum(),
        **(further or {}),
        "mean_treated": moments(weight),
        "mean_comparator": moments(weight, ~TREATED),
        "mean_difference": smd,
    }
    write(name, what, software, MATCHIT, request, expected, tolerance, notes="")


def weights():
    plain = {"kind": "propensity-score", "scale": "plain"}
    known = sm.families.links
    inverse = lambda p: np.where(TREATED, 1 / p, 1 / (1 - p))
    for name, link in [("probit", known.Probit()), ("cloglog", known.CLogLog()), ("cauchit", known.Cauchy())]:
        p, _ = score(link)
        loose = 1e-6
        weigh(f"weights-{name}", f"inverse probability by {name}", {"method": plain | {"link": name}}, inverse(p), tolerance=loose)
    p, _ = score()
    weight = np.minimum(p, 1 - p) * inverse(p)
    weigh("weights-evenly-matchable", "weights of the evenly matchable", {"method": plain}, weight, "evenly-matchable")
    inside = (p >= 0.1) & (p <= 0.9)
    again = sm.GLM(TREATED[inside].astype(float), DESIGN[inside], family=sm.families.Binomial()).fit(tol=1e-15)
    weight = np.zeros(len(p))
    weight[inside] = np.where(TREATED[inside], 1 / again.predict(), 1 / (1 - again.predict()))
    further = {"n_trimmed": (~inside).sum()}
    weigh("weights-trimmed", "scores between 0.1 and 0.9, estimated again", {"method": plain | {"trim": {"outside": 0.1}}}, weight, further=further)
    sampled = (1 + lalonde.age % 3).values.astype(float)
    p, _ = score(freq_weights=sampled)
    weight = sampled * inverse(p)
    weigh("weights-sampled", "inverse probability with sampling weights", {"method": plain, "sampling-weight": "w"}, weight)
    p, _ = score()
    weight = inverse(p)
    low, high = np.quantile(weight, [0.1, 0.9])
    capped = np.clip(weight, low, high)
    cap = {"quantile": 0.9, "rule": "interpolated", "lower-too": True}
    weigh("weights-capped-both", "weights held between their deciles", {"method": plain, "cap": cap}, capped, further={"weight_cap": high})
    weight = np.where(TREATED, 1.0, p / (1 - p))
    high = np.quantile(weight[~TREATED], 0.95)
    capped = np.where(TREATED, 1.0, np.minimum(weight, high))
    cap = {"quantile": 0.95, "rule": "interpolated"}
    weigh("weights-capped-att", "odds held below their quantile", {"method": plain, "cap": cap}, capped, "att", further={"weight_cap": high, "n_capped": (weight[~TREATED] > high).sum()})


def tilted(base, design, target):
    """Weights nearest to `base` in relative entropy whose sums of `design` are `target`."""
    scale = np.abs(design).max(axis=0)
    unit, goal = design / scale, target / scale
    b = np.zeros(unit.shape[1])
    for _ in range(200):
        weight = base * np.exp(unit @ b)
        gap = unit.T @ weight - goal
        step = np.linalg.solve((unit * weight[:, None]).T @ unit, gap)
        size = 1.0
        value = lambda at: (base * np.exp(unit @ at)).sum() - goal @ at
        while value(b - size * step) > value(b) + 1e-12 and size > 1e-8:
            size /= 2
        b -= size * step
        if np.abs(gap).max() < 1e-13 * np.abs(goal).max():
            break
    return base * np.exp(unit @ b)


def entropy():
    sampled = (1 + lalonde.age % 3).values.astype(float)
    covariates = lalonde[COVARIATES].values.astype(float)
    design = np.column_stack([np.ones(len(lalonde)), covariates])
    weight = np.ones(len(lalonde))
    target = np.concatenate([[1], covariates[TREATED].mean(axis=0)])
    weight[~TREATED] = tilted(sampled[~TREATED] / sampled[~TREATED].sum(), design[~TREATED], target)
    method = {"kind": "entropy-balancing", "moments": 1}
    weigh("weights-entropy-base", "entropy balancing from base weights", {"method": method, "base-weight": "w"}, weight, "att")
    weight = np.ones(len(lalonde))
    weight[TREATED] = sampled[TREATED]
    target = np.concatenate([[1], np.average(covariates[TREATED], axis=0, weights=sampled[TREATED])])
    base = sampled[~TREATED] / sampled[~TREATED].sum()
    weight[~TREATED] = tilted(base, design[~TREATED], target)
    what = "entropy balancing with sampling weights, to the weighted means of the treated"
    weigh("weights-entropy-sampled", what, {"method": method, "sampling-weight": "w"}, weight, "att")


def calibrated():
    p, _ = score()
    start = np.where(TREATED, 1 / p, 1 / (1 - p))
    names = ["age", "educ"]
    design = np.column_stack([np.ones(len(lalonde)), lalonde[names].values.astype(float)])
    total = np.array([600.0, 16500.0, 6200.0])
    plain = {"kind": "propensity-score", "scale": "plain"}
    for distance in ["linear", "raking"]:
        weight = np.zeros(len(lalonde))
        for arm in [TREATED, ~TREATED]:
            x, d = design[arm], start[arm]
            if distance == "linear":
                moved = np.linalg.solve((x * d[:, None]).T @ x, total - x.T @ d)
                weight[arm] = d * (1 + x @ moved)
            else:
                weight[arm] = tilted(d, x, total)
        asked = {"totals": {"age": 16500.0, "educ": 6200.0}, "n-units": 600.0, "distance": distance}
        weigh(f"weights-calibrated-{distance}", f"weights moved to known totals, {distance}", {"method": plain, "calibration": asked}, weight, tolerance=1e-8)


def outcomes():
    """Mean outcomes by a probit and a Poisson model, and their errors by the delta method and rows' influences."""
    for family, made, outcome, link in [
        ("probit", sm.families.Binomial(sm.families.links.Probit()), "re78 > 0", norm.cdf),
        ("poisson", sm.families.Poisson(), "educ", np.exp),
    ]:
        y = (lalonde.re78 > 0).values.astype(float) if family == "probit" else lalonde.educ.values.astype(float)
        names = ["age", "married", "re75"]
        scale = np.array([1, 1, 10, 1, 10000.0])
        x = np.column_stack([np.ones(len(y)), TREATED, lalonde[names].values.astype(float)]) / scale
        fit = sm.GLM(y, x, family=made).fit(tol=1e-14)
        # The expected information, as R's sandwich takes it.
        bread = fit.cov_params()
        scores = fit.model.score_obs(fit.params)
        covariance = bread @ scores.T @ scores @ bread
        means, slopes = [], []
        for arm in [1.0, 0.0]:
            there = x.copy()
            there[:, 1] = arm
            line = there @ fit.params
            slope = norm.pdf(line) if family == "probit" else np.exp(line)
            means.append(link(line).mean())
            slopes.append((there * slope[:, None]).mean(axis=0))
        slopes = np.array(slopes)
        se = lambda g: np.sqrt(g @ covariance @ g)
        request = compare(
            estimand="ate",
            derive=[{"name": "yes", "formula": "if(re78 > 0, 1, 0)"}],
            effect={
                "estimator": "g-computation",
                "outcome": "yes" if family == "probit" else "educ",
                "adjust-for": names,
                "outcome-model": {"family": family, "slopes": "shared"},
                "standard-error": "hc0",
                "degrees-of-freedom": "normal",
                "confidence-level": 0.95,
            },
        )
        expected = {
            "mean_treated": means[0],
            "mean_comparator": means[1],
            "difference": means[0] - means[1],
            "difference_se": se(slopes[0] - slopes[1]),
            "log_ratio": np.log(means[0] / means[1]),
            "log_ratio_se": se(slopes[0] / means[0] - slopes[1] / means[1]),
        }
        write(f"g-computation-{family}", f"mean outcomes by a {family} model", MODELS, MATCHIT, request, expected, 1e-7)


def described():
    probability, _ = score()
    others = sm.OLS(lalonde.re78[~TREATED].values, DESIGN[~TREATED]).fit()
    predicted = DESIGN @ others.params
    request = compare(
        balance={
            "covariates": ["age", "educ"],
            "smd-denominator": "pooled",
            "score": COVARIATES,
            "prognostic": {"outcome": "re78", "covariates": COVARIATES},
            "within": ["race"],
            "overlap-bins": 5,
        },
    )

    def smd(values, rows=np.ones(len(lalonde), bool)):
        """As cobalt has it, within a group by the group's own standard deviations."""
        one, other = values[TREATED & rows], values[~TREATED & rows]
        return (one.mean() - other.mean()) / np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)

    columns = {name: lalonde[name].values.astype(float) for name in ["age", "educ"]}
    blocks = {name: smd(column) for name, column in columns.items()}
    blocks |= {"distance": smd(probability), "prognostic": smd(predicted)}
    for race in ["black", "hispan", "white"]:
        rows = (lalonde.race == race).values
        blocks |= {f"{name} | race={race}": smd(column, rows) for name, column in columns.items()}
    edges = np.linspace(probability.min(), probability.max(), 6)
    place = np.clip(np.floor((probability - edges[0]) / (edges[-1] - edges[0]) * 5), 0, 4).astype(int)
    expected = {
        "max_abs_smd_in_race": max(abs(v) for k, v in blocks.items() if "|" in k),
        "smd": blocks,
        "overlap_treated": {str(k + 1): (TREATED & (place == k)).sum() for k in range(5)},
        "overlap_comparator": {str(k + 1): (~TREATED & (place == k)).sum() for k in range(5)},
        "overlap_from": {str(k + 1): edges[k] for k in range(5)},
    }
    what = "balance of a score, of a prognosis and within groups, and overlap in bins"
    write("balance-further", what, MODELS, MATCHIT, request, expected)


def without_groups():
    """The adjusted difference without each group in turn, and the jackknife's error."""
    def estimate(rows):
        x = sm.add_constant(np.column_stack([TREATED, lalonde.age, lalonde.re75]).astype(float)[rows])
        return sm.OLS(lalonde.re78.values[rows], x).fit().params[1]

    groups = sorted(set(lalonde.educ))
    left = np.array([estimate((lalonde.educ != group).values) for group in groups])
    n = len(groups)
    request = compare(
        estimand="ate",
        effect={
            "estimator": "adjusted-difference",
            "outcome": "re78",
            "adjust-for": ["age", "re75"],
            "standard-error": "hc2",
            "degrees-of-freedom": "residual",
            "confidence-level": 0.95,
        },
        **{"leave-out": {"column": "educ", "numbers": ["estimate"]}},
    )
    expected = {
        "estimate": estimate(np.ones(len(lalonde), bool)),
        "leave_out_min": {"estimate": left.min()},
        "leave_out_max": {"estimate": left.max()},
        "leave_out_se": {"estimate": np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())},
    }
    write("leave-out", "an effect without each level of education in turn", MODELS, MATCHIT, request, expected)


# --- models

INFERENCE = {"standard-error": "hc0", "degrees-of-freedom": "normal", "confidence-level": 0.95}


def model(data, part, asked, **more):
    return {"data": f"../data/{data}.csv", **more, part: asked}


def regressions():
    names = ["treat", "age", "educ"]
    x = sm.add_constant(lalonde[names].values.astype(float))
    labels = ["(Intercept)", *names]
    weight = (1 + lalonde.age % 3).values.astype(float)
    derived = [{"name": "w", "formula": "1 + age - 3 * floor(age / 3)"}, {"name": "yes", "formula": "if(re78 > 0, 1, 0)"}]
    yes, earned = (lalonde.re78 > 0).values.astype(float), lalonde.re78.values
    paid = earned > 0
    made = sm.families
    log = made.links.Log()
    for name, family, y, rows, asked in [
        ("linear-weighted", None, earned, slice(None), {"family": "linear", "weight": "w"}),
        ("probit", made.Binomial(made.links.Probit()), yes, slice(None), {"family": "probit"}),
        ("logit-weighted", made.Binomial(), yes, slice(None), {"family": "logit", "weight": "w"}),
        ("gamma", made.Gamma(log), earned, paid, {"family": "gamma"}),
        ("theta", made.NegativeBinomial(log, alpha=0.5), lalonde.educ.values.astype(float), slice(None), {"family": "negative-binomial", "theta": 2.0}),
    ]:
        used = names if name != "theta" else ["treat", "age", "married"]
        x = sm.add_constant(lalonde[used].values.astype(float))[rows]
        w = weight[rows] if "weight" in asked else np.ones(len(x))
        outcome = y[rows]
        if family is None:
            fit = sm.WLS(outcome, x, weights=w).fit()
            bread, scores = fit.normalized_cov_params, x * (w * fit.resid)[:, None]
        else:
            fit = sm.GLM(outcome, x, family=family, var_weights=w).fit(tol=1e-15, maxiter=200)
            mean, line = fit.fittedvalues, x @ fit.params
            slope = family.link.inverse_deriv(line)
            variance = family.variance(mean)
            bread = np.linalg.inv((x * (w * slope**2 / variance)[:, None]).T @ x)
            scores = x * (w * (outcome - mean) * slope / variance)[:, None]
        se = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))
        labelled = lambda v: dict(zip(["(Intercept)", *used], v))
        column = {"gamma": "re78", "linear-weighted": "re78", "theta": "educ"}.get(name, "yes")
        keep = {"keep": [{"column": "yes", "equals": ["1"]}]} if name == "gamma" else {}
        request = model(
            "lalonde", "regression", {**asked, "outcome": column, "terms": used, "inference": INFERENCE}, derive=derived, **keep
        )
        notes = "Errors with the expected information, as R's sandwich takes it."
        expected = {"coef": labelled(fit.params), "coef_se": labelled(se)}
        write(f"regression-{name}", f"a regression: {name}", MODELS, MATCHIT, request, expected, 1e-7, notes=notes)


def large_counts():
    """Scores of hundreds, hardly more spread than Poisson counts: rounding is larger than most tolerances."""
    star = pd.read_csv(DATA / "star_k.csv")
    star = star[star.stark.isin(["small", "regular"]) & star.readk.notna()]
    x = np.column_stack([np.ones(len(star)), star.stark == "small", star.schoolidk == 10, star.schoolidk == 11]).astype(float)
    y = star.readk.values
    found = sm.NegativeBinomial(y, x).fit(disp=0, maxiter=500)
    found = sm.NegativeBinomial(y, x).fit(start_params=found.params, method="newton", tol=1e-12, maxiter=100, disp=0)
    labels = ["(Intercept)", "stark=small", "schoolidk=10", "schoolidk=11"]
    request = model(
        "star_k",
        "regression",
        {
            "family": "negative-binomial",
            "outcome": "readk",
            "terms": labels[1:],
            "inference": {**INFERENCE, "standard-error": "model"},
        },
        keep=[{"column": "stark", "equals": ["small", "regular"]}],
        **{"drop-rows-without": ["readk"]},
    )
    expected = {
        "theta": 1 / found.params[-1],
        "log_likelihood": found.llf,
        "coef": dict(zip(labels, found.params)),
        "coef_se_joint": dict(zip(labels, found.bse)),
    }
    what = "reading scores as counts: theta in the hundreds"
    write("negative-binomial-large-counts", what, MODELS, "GPL-2 or later (R package AER)", request, expected, 1e-5)


def designs():
    def power(effect, se, df, alpha=0.05):
        if df is None:
            reach = norm.ppf(1 - alpha / 2)
            return norm.sf(reach - effect / se) + norm.cdf(-reach - effect / se)
        reach = student.ppf(1 - alpha / 2, df)
        return nct.sf(reach, df, effect / se) + nct.cdf(-reach, df, effect / se)

    asked, se, df = [], {}, {}
    individual = {"kind": "individual", "n-treated": 80, "n-comparator": 120, "sd": 10.0}
    variance = 100 * (1 / 80 + 1 / 120)
    for name, adjustment, part, degrees in [
        ("plain", {"kind": "none"}, 1.0, 198),
        ("covariates", {"kind": "covariates", "explained": 0.3, "n-covariates": 4}, 0.7, 194),
        ("ancova", {"kind": "ancova", "correlation": 0.6}, 1 - 0.36, 197),
        ("change", {"kind": "change", "correlation": 0.6}, 2 * 0.4, 198),
    ]:
        asked.append((name, individual | {"adjustment": adjustment}))
        se[name], df[name] = np.sqrt(variance * part), degrees
    asked.append(("pairs", {"kind": "matched-sets", "n-treated": 60, "ratio": 1, "sd": 10.0, "set-correlation": 0.4}))
    se["pairs"], df["pairs"] = np.sqrt(2 * 100 * 0.6 / 60), 59
    asked.append(("stated", {"kind": "stated", "standard-error": 1.5, "degrees-of-freedom": 30.0}))
    se["stated"], df["stated"] = 1.5, 30
    asked.append(("normal", {"kind": "stated", "standard-error": 1.5}))
    se["normal"], df["normal"] = 1.5, None
    request = {
        "design": [{"name": name, "design": design, "alpha": 0.05, "effect": 4.0, "power": 0.8} for name, design in asked]
    }
    least = {
        name: scipy.optimize.brentq(lambda effect: power(effect, se[name], df[name]) - 0.8, 1e-6, 6 * se[name], xtol=1e-13)
        for name in se
    }
    expected = {
        "design_se": se,
        "design_df": {name: value for name, value in df.items() if value is not None},
        "power": {name: power(4.0, se[name], df[name]) for name in se},
        "least_effect": least,
    }
    write("designs", "the power of designs, by the noncentral t", NUMPY, "no data", request, expected, 1e-7)


def published_errors():
    figures = {"treated": (12.0, 0.8, 9.0, 0.7), "comparator": (11.0, 0.5, 10.5, 0.6)}
    arm = lambda v: {
        "before": {"value": v[0], "standard-error": v[1]},
        "after": {"value": v[2], "standard-error": v[3]},
    }
    change = (9.0 - 12.0) - (10.5 - 11.0)
    se = np.sqrt(0.8**2 + 0.7**2 + 0.5**2 + 0.6**2)
    request = {
        "published": [
            {
                "name": "stated",
                "figures": "shares",
                "per": 100.0,
                "treated": arm(figures["treated"]),
                "comparator": arm(figures["comparator"]),
                "confidence-level": 0.95,
            }
        ]
    }
    expected = {
        "difference": {"stated": change},
        "difference_se": {"stated": se},
        "counterfactual": {"stated": 12.0 - 0.5},
        "relative_reduction": {"stated": -change / 11.5},
    }
    write("published-errors", "figures whose standard errors are published", NUMPY, "no data", request, expected, 1e-9)


def missing_outcomes():
    star = pd.read_csv(DATA / "star_k.csv")
    star = star[star.stark.isin(["small", "regular"])]
    treated = star.stark.values == "small"
    y = star.readk.values
    seen = ~np.isnan(y)
    share = {arm: seen[treated == arm].mean() for arm in [True, False]}
    low, high = 300.0, 650.0
    bound = lambda arm, worst: np.where(seen, y, worst)[treated == arm].mean()
    more = share[True] > share[False]
    excess = abs(share[True] - share[False]) / max(share.values())
    kept = np.sort(y[seen & (treated == more)])
    other = y[seen & (treated != more)].mean()
    quantile = lambda p: kept[int(np.ceil(p * len(kept) - 1e-12)) - 1]
    ends = [kept[kept <= quantile(1 - excess)].mean() - other, kept[kept >= quantile(excess)].mean() - other]
    ends = sorted(end if more else -end for end in ends)
    mean = {arm: y[seen & (treated == arm)].mean() for arm in [True, False]}
    # The mean of what is missing in one arm, those missing in the other being as those seen.
    tipping = {
        True: (mean[False] + 2.0 - share[True] * mean[True]) / (1 - share[True]),
        False: (mean[True] - 2.0 - share[False] * mean[False]) / (1 - share[False]),
    }
    request = model(
        "star_k",
        "bounds",
        {
            "treatment": {"column": "stark", "treated": "small", "comparator": "regular"},
            "outcome": "readk",
            "trim": "quantile",
            "range": [low, high],
            "tipping-at": 2.0,
        },
        keep=[{"column": "stark", "equals": ["small", "regular"]}],
    )
    expected = {
        "worst_case_low": bound(True, low) - bound(False, high),
        "worst_case_high": bound(True, high) - bound(False, low),
        "lee_low": ends[0],
        "lee_high": ends[1],
        "lee_trimmed_share": excess,
        "tipping_mean_treated": tipping[True],
        "tipping_mean_comparator": tipping[False],
        "attrition_treated": 1 - share[True],
        "attrition_comparator": 1 - share[False],
    }
    what = "reading scores that are missing: trimmed, at their worst, and what they would have to be"
    write("bounds", what, NUMPY, "GPL-2 or later (R package AER)", request, expected, 1e-9)


def confounders():
    names = ["age", "educ", "re75"]
    x = sm.add_constant(np.column_stack([TREATED, lalonde[names]]).astype(float))
    y = lalonde.re78.values
    full = sm.OLS(y, x).fit()
    t, df = full.tvalues[1], full.df_resid
    alone = sm.OLS(y, x[:, :2]).fit()
    partial = t**2 / (t**2 + df)
    f = abs(t) / np.sqrt(df)
    value = 0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2)
    reach = student.ppf(0.975, df - 1) / np.sqrt(df - 1)
    fa = f - reach
    significant = 0.5 * (np.sqrt(fa**4 + 4 * fa**2) - fa**2) if fa > 0 else 0.0
    # Benchmark: a confounder twice as strong as education with the treatment, once with the outcome.
    d = sm.OLS(TREATED.astype(float), np.delete(x, 1, axis=1)).fit()
    r2d = d.tvalues[2] ** 2 / (d.tvalues[2] ** 2 + d.df_resid)
    r2y = full.tvalues[3] ** 2 / (full.tvalues[3] ** 2 + df)
    kd, ky = 2.0, 1.0
    bound_d = kd * r2d / (1 - r2d)
    inner = kd * r2d**2 / ((1 - kd * r2d) * (1 - r2d))
    bound_y = ((np.sqrt(ky) + np.sqrt(inner)) / np.sqrt(1 - inner)) ** 2 * r2y / (1 - r2y)
    bias = full.bse[1] * np.sqrt(bound_y * bound_d / (1 - bound_d) * df)
    se = full.bse[1] * np.sqrt((1 - bound_y) / (1 - bound_d) * df / (df - 1))
    request = model(
        "lalonde",
        "confounding",
        {
            "outcome": "re78",
            "treatment": "treat",
            "covariates": names,
            "null": 0.0,
            "alpha": 0.05,
            "benchmarks": [{"covariate": "educ", "treatment-times": kd, "outcome-times": ky}],
        },
    )
    expected = {
        "estimate": full.params[1],
        "estimate_uncontrolled": alone.params[1],
        "r_squared": full.rsquared,
        "r_squared_uncontrolled": alone.rsquared,
        "partial_r_squared": partial,
        "robustness_value": value,
        "robustness_value_significance": significant,
        "benchmark_r_squared_treatment": {"educ": bound_d},
        "benchmark_r_squared_outcome": {"educ": bound_y},
        "benchmark_estimate": {"educ": np.sign(full.params[1]) * (abs(full.params[1]) - bias)},
        "benchmark_se": {"educ": se},
    }
    write("confounding", "what a confounder would have to be (Cinelli and Hazlett 2020)", MODELS, MATCHIT, request, expected, 1e-8)


def jumps():
    import rdrobust

    senate = pd.read_csv(DATA / "rdrobust_senate.csv").dropna(subset=["vote", "margin"])
    fuzzy = pd.read_csv(DATA / "rdrobust_senate_fuzzy.csv").dropna(subset=["vote", "margin"])
    version = f"rdrobust 2.1.1 (Python); {NUMPY}"
    plain = {"select": "mserd", "regularisation": 1.0}
    nearest = {"standard-error": "nearest-neighbours", "neighbours": 3}
    for name, data, options, bandwidth, more in [
        ("epanechnikov", senate, {"kernel": "epa"}, {}, {"kernel": "epanechnikov"}),
        ("hc3", senate, {"vce": "hc3"}, {}, {"standard-error": "hc3", "neighbours": None}),
        ("weighted", senate, {"weights": senate.population.values / 1e6}, {}, {"weight": "w"}),
        ("standardised", senate, {"stdvars": True}, {"standardise": True}, {}),
        ("unrestricted", senate, {"bwrestrict": False, "p": 2, "q": 3}, {"unrestricted": True}, {"order": 2, "bias-order": 3}),
        ("least-values", senate, {"bwcheck": 400}, {"least-values": 400}, {}),
        ("sharp-bandwidth", fuzzy, {"fuzzy": fuzzy["T"].values, "sharpbw": True}, {"sharp": True}, {"take-up": "T"}),
    ]:
        arguments = {"stdvars": False, "p": 1, "masspoints": "adjust", **options}
        found = rdrobust.rdrobust(y=data.vote.values, x=data.margin.values, **arguments)
        asked = {
            "outcome": "vote",
            "score": "margin",
            "cutoff": 0.0,
            "order": 1,
            "bias-order": 2,
            "derivative": 0,
            "kernel": "triangular",
            "bandwidth": {**plain, **bandwidth},
            **nearest,
            "mass-points": "adjust",
            "confidence-level": 0.95,
            **more,
        }
        asked = {key: value for key, value in asked.items() if value is not None}
        file = "rdrobust_senate_fuzzy" if "take-up" in more else "rdrobust_senate"
        derive = {"derive": [{"name": "w", "formula": "population / 1000000"}]} if "weight" in more else {}
        request = model(file, "discontinuity", asked, **derive, **{"drop-rows-without": ["vote", "margin"]})
        kinds = ["conventional", "bias_corrected", "robust"]
        side = lambda row: dict(zip(["left", "right"], np.asarray(found.bws)[row]))
        expected = {
            "estimate": dict(zip(kinds, np.ravel(found.coef))),
            "se": dict(zip(kinds, np.ravel(found.se))),
            "h": side(0),
            "b": side(1),
        }
        write(f"discontinuity-{name}", f"the jump of votes at a margin of zero: {name}", version, "GPL-3 (R package rdrobust)", request, expected, 1e-6)


def abadie_imbens():
    """Matching with replacement and all ties on two covariates, each in its standard deviations."""
    names = ["age", "educ"]
    x = lalonde[names].values.astype(float)
    y = lalonde.re78.values
    n = len(y)
    scaled = x / x.std(axis=0, ddof=1)
    distance = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=2)
    width = 0.3 * x.std(axis=0, ddof=0)
    allowed = (np.abs(x[:, None] - x[None]) <= width).all(axis=2)
    times, shares, kept, n_pairs = np.zeros(n), np.zeros(n), [], 0
    effects = {}
    for unit in np.flatnonzero(TREATED):
        may = np.flatnonzero(~TREATED & allowed[unit])
        if len(may) == 0:
            continue
        kept.append(unit)
        nearest = distance[unit, may].min()
        ties = may[distance[unit, may] <= nearest + 1e-5]
        n_pairs += len(ties)
        times[ties] += 1 / len(ties)
        shares[ties] += 1 / len(ties) ** 2
        effects[unit] = y[unit] - y[ties].mean()
    differences = np.array([effects[unit] for unit in kept])
    effect = differences.mean()
    own, mean = np.zeros(n), np.zeros(n)
    for unit in range(n):
        others = np.flatnonzero((TREATED == TREATED[unit]) & allowed[unit] & (np.arange(n) != unit))
        if len(others) >= 2:
            reach = np.sort(distance[unit, others])[1]
            near = others[distance[unit, others] <= reach + 1e-5]
            own[unit] = y[np.append(near, unit)].var(ddof=1)
            mean[unit] = len(near) / (len(near) + 1) * (y[unit] - y[near].mean()) ** 2
    for name, variance in [("nearest", own), ("nearest-mean", mean)]:
        square = ((differences - effect) ** 2).sum() + (variance * (times**2 - shares)).sum()
        request = model(
            "lalonde",
            "abadie-imbens",
            {
                "treatment": {"column": "treat", "treated": "1", "comparator": "0"},
                "outcome": "re78",
                "estimand": "att",
                "on": {"covariates": names},
                "matches": 1,
                "metric": "inverse-variance",
                "tolerance": 1e-5,
                "caliper": 0.3,
                "bias-adjustment": "none",
                "variance": {name: 2},
                "confidence-level": 0.95,
            },
        )
        expected = {
            "estimate": effect,
            "se": np.sqrt(square) / len(kept),
            "n_pairs": n_pairs,
            "n_matched": len(kept),
            "n_dropped": TREATED.sum() - len(kept),
        }
        what = f"the nearest within a caliper of each covariate, variance by {name}"
        write(f"abadie-imbens-caliper-{name}", what, NUMPY, MATCHIT, request, expected, 1e-9)


def randomised():
    """Every assignment of whole pairs of rows within blocks."""
    vote = pd.read_csv(DATA / "rock_the_vote.csv")
    vote = vote[vote.strata <= 10]
    y, treated, block = vote.p.values, vote.treated.values == 1, vote.strata.values
    blocks = [np.flatnonzero(block == b) for b in np.unique(block)]

    def statistic(arm):
        gaps = [y[rows][arm[rows]].mean() - y[rows][~arm[rows]].mean() for rows in blocks]
        return np.average(gaps, weights=[len(rows) for rows in blocks])

    ways = []
    for rows in blocks:
        k = treated[rows].sum()
        ways.append([[rows[i] for i in chosen] for chosen in combinations(range(len(rows)), k)])
    total = np.prod([len(way) for way in ways])
    seen = statistic(treated)
    drawn = np.empty(int(total))
    for place, choice in enumerate(product(*ways)):
        arm = np.zeros(len(y), bool)
        for rows in choice:
            arm[rows] = True
        drawn[place] = statistic(arm)
    request = model(
        "rock_the_vote",
        "randomisation",
        {
            "treatment": {"column": "treated", "treated": "1", "comparator": "0"},
            "outcome": "p",
            "statistics": ["blocked-difference"],
            "null": 0.0,
            "block": "strata",
            "assignments": "enumerated",
        },
        keep=[{"column": "strata", "equals": [str(b) for b in range(1, 11)]}],
    )
    key = "blocked-difference"
    expected = {
        "n_assignments": total,
        "statistic": {key: seen},
        "p": {key: (np.abs(drawn) >= abs(seen) - 1e-9).mean()},
        "p_upper": {key: (drawn >= seen - 1e-9).mean()},
        "p_lower": {key: (drawn <= seen + 1e-9).mean()},
    }
    write("randomisation-blocks", "every assignment within ten strata", NUMPY, "GPL-2 (R package pscl)", request, expected, 1e-9)


def series():
    belts = pd.read_csv(DATA / "seatbelts.csv")
    y = np.log(belts.drivers.values)
    x = sm.add_constant(np.column_stack([belts.t, belts.law]).astype(float))
    fit = sm.OLS(y, x).fit()
    scores = x * fit.resid[:, None]
    bread = fit.normalized_cov_params

    def long_run(kernel, bandwidth):
        middle = scores.T @ scores
        for lag in range(1, len(y)):
            weight = kernel(lag / bandwidth)
            if weight != 0:
                step = scores[lag:].T @ scores[:-lag]
                middle = middle + weight * (step + step.T)
        return np.sqrt(np.diag(bread @ middle @ bread))

    bartlett = lambda z: max(1 - z, 0)
    parzen = lambda z: 1 - 6 * z**2 + 6 * z**3 if z <= 0.5 else (2 * (1 - z) ** 3 if z <= 1 else 0)
    labels = ["(Intercept)", "t", "law"]
    asked = [
        {"name": "parzen", "kernel": "parzen", "bandwidth": {"fixed": 8.0}, "prewhiten": False, "adjust": False},
        {"name": "bartlett", "kernel": "bartlett", "bandwidth": {"fixed": 5.0}, "prewhiten": False, "adjust": True},
    ]
    factor = np.sqrt(len(y) / (len(y) - 3))
    without = x.copy()
    without[:, 2] = 0
    request = model(
        "seatbelts",
        "series",
        {
            "outcome": "y",
            "terms": ["t", "law"],
            "time": "t",
            "errors": [
                {
                    "name": "iid",
                    "kind": "iid",
                    "small-sample": {"rows": True, "absorbed": "none", "clusters": "none"},
                    "degrees-of-freedom": "residual",
                }
            ],
            "intervention": ["law"],
            "long-run": asked,
            "confidence-level": 0.95,
        },
        derive=[{"name": "y", "formula": "log(drivers)"}],
    )
    shown = [0, 100, 191]
    path = lambda values: {str(belts.t[row]): values[row] for row in shown}
    expected = {
        "coef": dict(zip(labels, fit.params)),
        "coef_se_parzen": dict(zip(labels, long_run(parzen, 8.0))),
        "coef_se_bartlett": dict(zip(labels, factor * long_run(bartlett, 5.0))),
        "observed_path": path(y),
        "fitted_path": path(fit.fittedvalues),
        "counterfactual_path": path(without @ fit.params),
    }
    write("series-kernels-and-paths", "kernels of given bandwidth, and paths with and without a law", MODELS, "GPL-2 or GPL-3 (R datasets, Seatbelts)", request, expected, 1e-8)


def synthetic_others():
    smoking = pd.read_csv(DATA / "california_prop99.csv")
    wide = smoking.pivot(index="State", columns="Year", values="PacksPerCapita")
    treated = wide.loc["California"].values
    donors = wide.drop("California").values
    after = wide.columns.values >= 1989
    asked = {
        "unit": "State",
        "time": "Year",
        "outcome": "PacksPerCapita",
        "treated": ["California"],
        "from": 1989.0,
    }
    gap = treated - donors.mean(axis=0)
    request = model("california_prop99", "synthetic", {**asked, "method": "uniform"})
    expected = {"estimate": gap[after].mean() - gap[~after].mean()}
    licence = "BSD-3 (R package synthdid, california_prop99)"
    write("synthetic-differences", "every donor and time with the same weight", NUMPY, licence, request, expected, 1e-9)
    # Synthetic control: weights that fit the years before, on the simplex.
    before = ~after
    n = len(donors)
    big = 1e7
    a = np.vstack([donors[:, before].T, big * np.ones(n)])
    b = np.concatenate([treated[before], [big]])
    weight, _ = nnls(a, b, maxiter=100000)
    request = model("california_prop99", "synthetic", {**asked, "method": {"control": {"ridge": 0.0}}})
    expected = {"estimate": (treated - weight @ donors)[after].mean()}
    notes = "Weights by non-negative least squares with a heavy row for their sum."
    write("synthetic-control", "the classic synthetic control on all years before", NUMPY, licence, request, expected, 1e-5, notes=notes)


def trials():
    nhefs = pd.read_csv(DATA / "nhefs.csv")
    names = ["sex", "age", "wt71"]
    x = sm.add_constant(nhefs[names].values.astype(float))
    d = nhefs.qsmk.values.astype(float)
    licence = "MIT (Python package causaldata); the survey is in the public domain"
    # Cross-fit by a column of folds, with an outcome model of counts.
    fold = (nhefs.seqn % 4).values
    y = nhefs.smokeintensity.values.astype(float)
    for name, family in [("poisson", sm.families.Poisson()), ("probit", sm.families.Binomial(sm.families.links.Probit()))]:
        y = nhefs.smokeintensity.values.astype(float) if name == "poisson" else nhefs.death.values.astype(float)
        score, one, other = np.empty(len(y)), np.empty(len(y)), np.empty(len(y))
        for k in range(4):
            on, off = fold == k, fold != k
            fit = lambda of, rows, made: sm.GLM(of[rows], x[rows], family=made).fit(tol=1e-15, maxiter=200).predict(x[on])
            score[on] = fit(d, off, sm.families.Binomial())
            one[on] = fit(y, off & (d == 1), family)
            other[on] = fit(y, off & (d == 0), family)
        score = np.clip(score, 0.05, 0.95)
        psi = one - other + d * (y - one) / score - (1 - d) * (y - other) / (1 - score)
        request = model(
            "nhefs",
            "trial",
            {
                "outcome": "smokeintensity" if name == "poisson" else "death",
                "estimand": "ate",
                "treatment": {"column": "qsmk", "treated": "1", "comparator": "0"},
                "design": {
                    "doubly-robust": {
                        "covariates": names,
                        "folds": {"column": "f"},
                        "clip": 0.05,
                        "outcome-family": name,
                    }
                },
                "inference": INFERENCE,
            },
            derive=[{"name": "f", "formula": "seqn - 4 * floor(seqn / 4)"}],
        )
        expected = {"estimate": psi.mean(), "se": psi.std(ddof=0) / np.sqrt(len(y))}
        write(f"trial-folds-{name}", f"cross-fit by a column of folds, outcomes by a {name} model, scores held", MODELS, licence, request, expected, 1e-7)
    # Pairs of clusters, each counted by its rows: Imai, King and Nall (2009), as estimatr has it.
    pair = (nhefs.age // 4).clip(7, 16).values
    arm = (nhefs.seqn % 2).values == 0
    y = nhefs.wt82_71.values
    gaps, sizes = [], []
    for value in np.unique(pair):
        rows = pair == value
        gaps.append(y[rows & arm].mean() - y[rows & ~arm].mean())
        sizes.append(rows.sum())
    gaps, sizes = np.array(gaps), np.array(sizes)
    m, n = len(gaps), sizes.sum()
    effect = (sizes * gaps).sum() / n
    variance = m / (m - 1) / n**2 * ((sizes * gaps - n * effect / m) ** 2).sum()
    request = model(
        "nhefs",
        "trial",
        {
            "outcome": "wt82_71",
            "estimand": "ate",
            "treatment": {"column": "arm", "treated": "1", "comparator": "0"},
            "design": {"paired-clusters": {"pair": "pair"}},
            "inference": {
                "standard-error": "classical",
                "degrees-of-freedom": "residual",
                "confidence-level": 0.95,
            },
        },
        derive=[
            {"name": "arm", "formula": "seqn - 2 * floor(seqn / 2) = 0"},
            {"name": "pair", "formula": "min(max(floor(age / 4), 7), 16)"},
        ],
    )
    expected = {"estimate": effect, "se": np.sqrt(variance), "n_pairs": m}
    write("trial-paired-clusters", "pairs of clusters, counted by their rows", NUMPY, licence, request, expected, 1e-9)


def doubled():
    """Outcome regression between two times, with weights of mean one (Sant'Anna and Zhao 2020)."""
    long = pd.read_csv(DATA / "lalonde_cps_long.csv").dropna(subset=["experimental"])
    wide = long.pivot(index="id", columns="year", values="re")
    first = long[long.year == 1975].set_index("id").loc[wide.index]
    d = first.experimental.values.astype(float)
    change = (wide[1978] - wide[1975]).values
    names = ["age", "educ", "married"]
    x = sm.add_constant(first[names].values.astype(float))
    w = 1.0 + (first.age.values % 3)
    w = w / w.mean()
    beta = sm.WLS(change[d == 0], x[d == 0], weights=w[d == 0]).fit()
    treated = w * d
    effect = (treated * (change - x @ beta.params)).sum() / treated.sum()
    n = len(d)
    bread = np.linalg.inv((x * (w * (1 - d))[:, None]).T @ x / n)
    influence_beta = (x * (w * (1 - d) * (change - x @ beta.params))[:, None]) @ bread
    mean = treated.mean()
    direct = (treated * (change - x @ beta.params) - treated * effect) / mean
    influence = direct - influence_beta @ ((treated[:, None] * x).mean(axis=0) / mean)
    se = influence.std(ddof=0) / np.sqrt(n)
    request = model(
        "lalonde_cps_long",
        "two-period",
        {
            "unit": "id",
            "after": "after",
            "treated": "experimental",
            "outcome": "re",
            "covariates": names,
            "methods": ["outcome-regression"],
            "largest-score": 0.995,
            "weight": "w",
            "reach": 1.96,
        },
        derive=[{"name": "after", "formula": "year = 1978"}, {"name": "w", "formula": "1 + age - 3 * floor(age / 3)"}],
        **{"drop-rows-without": ["experimental"]},
    )
    expected = {"att": {"outcome-regression": effect}, "att_se": {"outcome-regression": se}}
    write("two-period-weighted", "a two-period estimate with weights", MODELS, "GPL-3 (R package DRDID, nsw_long)", request, expected, 1e-7)


def stacks():
    import pyfixest

    deaths = pd.read_csv(DATA / "fatalities.csv")
    version = f"pyfixest {pyfixest.__version__}; {NUMPY}"
    # Some states have no fatal accident of the counted kind: they say nothing of a Poisson regression.
    deaths["few"] = np.where(deaths.state.isin(["al", "az", "wy"]), 0, deaths.fatal)
    fit = pyfixest.fepois("few ~ beertax + unemp | state + year", deaths, vcov={"CRV1": "state"}, iwls_tol=1e-12)
    request = model(
        "fatalities",
        "fixed-effects",
        {
            "family": "poisson",
            "outcome": "few",
            "terms": ["beertax", "unemp"],
            "absorb": ["state", "year"],
            "drop-groups-without-events": True,
            "errors": [
                {
                    "name": "cluster",
                    "kind": "clusters",
                    "cluster-by": ["state"],
                    "small-sample": {"rows": True, "absorbed": "nested", "clusters": "fewest"},
                    "degrees-of-freedom": "clusters",
                }
            ],
            "confidence-level": 0.95,
        },
        derive=[{"name": "few", "formula": "if(state = 'al' or state = 'az' or state = 'wy', 0, fatal)"}],
    )
    expected = {"coef": fit.coef().to_dict(), "coef_se": fit.se().to_dict(), "n_without_events": 21}
    write("fixed-effects-without-events", "states without events are left out", version, "GPL-2 or later (R package AER)", request, expected, 1e-5)


def mixed():
    """A random intercept with covariates, by restricted maximum likelihood."""
    star = pd.read_csv(DATA / "achievement_awards_2001.csv")
    names = ["treated", "lagscore"]
    star = star.dropna(subset=[*names, "Bagrut_status", "school_id"])
    x = sm.add_constant(star[names].values.astype(float))
    fit = sm.MixedLM(star.Bagrut_status.values.astype(float), x, groups=star.school_id.values).fit(reml=True, method=["bfgs"], gtol=1e-10)
    request = model(
        "achievement_awards_2001",
        "cluster-trial",
        {
            "treatment": {"column": "treated", "treated": "1", "comparator": "0"},
            "outcome": "Bagrut_status",
            "cluster": "school_id",
            "covariates": ["lagscore"],
        },
        **{"drop-rows-without": [*names, "Bagrut_status", "school_id"]},
    )
    # Errors of the coefficients with the variances as known, as lme4 has them.
    between, within = fit.cov_re[0, 0], fit.scale
    information = np.zeros((3, 3))
    for school in star.school_id.unique():
        rows = star.school_id.values == school
        n = rows.sum()
        inverse = (np.eye(n) - between / (within + n * between)) / within
        information += x[rows].T @ inverse @ x[rows]
    expected = {
        "mixed": fit.params[1],
        "mixed_se": np.sqrt(np.linalg.inv(information)[1, 1]),
        "mixed_variance_between": between,
        "mixed_variance_within": within,
    }
    write("cluster-trial-covariates", "a random intercept beside a covariate", MODELS, "GPL-3 (R package clubSandwich)", request, expected, 1e-4)


def wild():
    """Every vector of signs, weighted least squares, the hypothesis imposed; and its interval by inversion."""
    fatal = pd.read_csv(DATA / "fatalities.csv")
    states = ["al", "ar", "az", "ca", "co", "ct", "de", "fl", "ga", "ia"]
    fatal = fatal[fatal.state.isin(states)]
    y = fatal.fatal.values / fatal["pop"].values * 1e4
    w = fatal["pop"].values / 1e6
    x = sm.add_constant(fatal[["beertax", "unemp"]].values.astype(float))
    group = fatal.state.astype("category").cat.codes.values
    root = np.sqrt(w)[:, None]
    xs, ys = x * root, y * root[:, 0]
    bread = np.linalg.inv(xs.T @ xs)

    def t(outcome, null):
        b = bread @ xs.T @ outcome
        resid = outcome - xs @ b
        sums = np.array([xs[group == g].T @ resid[group == g] for g in range(10)])
        return (b[1] - null) / np.sqrt((bread @ sums.T @ sums @ bread)[1, 1])

    rest = np.delete(xs, 1, axis=1)
    kept = rest @ np.linalg.lstsq(rest, ys, rcond=None)[0]
    resid = ys - kept
    seen = t(ys, 0.0)
    drawn = np.array([t(kept + resid * np.array(sign)[group], 0.0) for sign in product([-1.0, 1.0], repeat=10)])
    request = model(
        "fatalities",
        "wild-bootstrap",
        {
            "outcome": "rate",
            "terms": ["beertax", "unemp"],
            "weight": "w",
            "coefficient": "beertax",
            "null": 0.0,
            "cluster-by": "state",
            "standard-error": "cr0",
            "residuals": "restricted",
            "draws": "enumerated",
        },
        keep=[{"column": "state", "equals": states}],
        derive=[{"name": "rate", "formula": "fatal / pop * 1e4"}, {"name": "w", "formula": "pop / 1e6"}],
    )
    size = np.abs(drawn)
    expected = {
        "t": seen,
        "p_symmetric": (size >= abs(seen) - 1e-9).mean(),
        "p_symmetric_strict": (size > abs(seen) + 1e-9).mean(),
        "n_draws": 1024,
    }
    write("wild-bootstrap-weighted", "every vector of signs in a weighted regression", NUMPY, "GPL-2 or later (R package AER)", request, expected, 1e-8)


if __name__ == "__main__":
    differences_in_differences()
    links()
    discards()
    sampled_score()
    rules()
    ranks()
    variable()
    full()
    bins()
    weights()
    entropy()
    calibrated()
    outcomes()
    described()
    without_groups()
    regressions()
    large_counts()
    designs()
    published_errors()
    missing_outcomes()
    confounders()
    jumps()
    abadie_imbens()
    randomised()
    series()
    synthetic_others()
    trials()
    doubled()
    stacks()
    mixed()
    wild()
