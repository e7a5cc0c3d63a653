"""Writes the cases of cross-fitted learners, targeted estimates over one arm and two-part models.

usage: python learners_and_parts.py   (from this folder; DoubleML, scikit-learn, statsmodels, pandas)

Folds are given to DoubleML row by row, so that every number is determined. Targeted estimates and
two-part models are written out here from fits by statsmodels.
"""

import json
import warnings
from pathlib import Path

import doubleml
import numpy as np
import pandas as pd
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
OUT = HERE.parent / "requests"
COVARIATES = ["sex", "race", "age", "school", "smokeintensity", "smokeyrs", "wt71"]
nhefs = pd.read_csv(HERE.parent / "data/nhefs.csv")
lalonde = pd.read_csv(HERE.parent / "data/lalonde.csv")
N = len(nhefs)
FOLD = np.arange(N) % 5
SPLITS = [(np.flatnonzero(FOLD != k), np.flatnonzero(FOLD == k)) for k in range(5)]
SKLEARN = f"DoubleML {doubleml.__version__}; scikit-learn {sklearn.__version__}"


def write(name, what, software, call, licence, request, expected, tolerance, estimand, notes=""):
    def value(v):
        return json.dumps(v, ensure_ascii=False)

    lines = ['schema = "utfall-case/1"', f"what = {value(what)}"]
    if estimand:
        lines.append(f'estimand = "{estimand}"')
    lines += ["", "[source]", f"software = {value(software)}", f"call = {value(call)}"]
    lines.append(f"data-licence = {value(licence)}")
    if notes:
        lines.append(f"notes = {value(notes)}")
    lines += ["", "[request]", 'schema = "utfall-request/1"', request.strip(), "", "[expected]"]
    lines += [f"{k} = {float(v)!r}" for k, v in expected.items()]
    lines += ["", "[tolerance]", f"default = {tolerance}", ""]
    (OUT / f"{name}.toml").write_text("\n".join(lines))


def trial(outcome, estimand, design, covariates=COVARIATES):
    names = ", ".join(f'"{c}"' for c in covariates)
    return f'''data = "../data/nhefs.csv"
id = "id"

[request.trial]
outcome = "{outcome}"
estimand = "{estimand}"

[request.trial.treatment]
column = "qsmk"
treated = "1"
comparator = "0"

[request.trial.inference]
standard-error = "hc0"
degrees-of-freedom = "normal"
confidence-level = 0.95

[request.trial.design.{design[0]}]
covariates = [{names}]
{design[1]}'''


NHEFS = "MIT (Python package causaldata); the survey is in the public domain"
n_fit = N * 4 / 5


def learners(kind):
    """Learners of outcome and score for a fold of n rows, and their words in the request."""
    scaled = lambda model: make_pipeline(StandardScaler(), model)
    if kind == "lasso":
        return (
            scaled(Lasso(alpha=0.2, tol=1e-14, max_iter=1_000_000)),
            "{ lasso = { penalty = 0.2 } }",
        )
    if kind == "tree":
        return (
            DecisionTreeRegressor(max_depth=3, min_samples_leaf=25, random_state=1),
            "{ tree = { depth = 3, least-leaf = 25 } }",
        )
    if kind == "boosted":
        return (
            GradientBoostingRegressor(
                n_estimators=40, learning_rate=0.1, max_depth=2, min_samples_leaf=20, random_state=1
            ),
            "{ boosted-trees = { n-trees = 40, learning-rate = 0.1, depth = 2, least-leaf = 20 } }",
        )


class PerRow(sklearn.base.BaseEstimator):
    """A ridge or logistic model whose penalty is per row, as scikit-learn's is not."""

    def __init__(self, kind, penalty):
        self.kind, self.penalty = kind, penalty
        self._estimator_type = "classifier" if kind.startswith("logit") else "regressor"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = self._estimator_type
        if self._estimator_type == "classifier":
            tags.classifier_tags = sklearn.utils.ClassifierTags()
        else:
            tags.regressor_tags = sklearn.utils.RegressorTags()
        return tags

    def fit(self, x, y):
        n = len(y)
        if self.kind == "ridge":
            model = Ridge(alpha=n * self.penalty, tol=1e-14, solver="cholesky")
        elif self.kind == "logit-ridge":
            model = LogisticRegression(
                C=1 / (n * self.penalty), tol=1e-13, max_iter=100_000, solver="newton-cholesky"
            )
        else:
            model = LogisticRegression(
                l1_ratio=1.0, C=1 / (n * self.penalty), tol=1e-12, max_iter=1_000_000, solver="saga"
            )
        self.model_ = make_pipeline(StandardScaler(), model).fit(x, y)
        if self._estimator_type == "classifier":
            self.classes_ = np.array([0, 1])
        return self

    def predict(self, x):
        return self.model_.predict(x)

    def predict_proba(self, x):
        return self.model_.predict_proba(x)


def score_learner(kind):
    if kind == "lasso":
        return PerRow("logit-lasso", 0.01), "{ lasso = { penalty = 0.01 } }"
    if kind == "ridge":
        return PerRow("logit-ridge", 0.02), "{ ridge = { penalty = 0.02 } }"
    if kind == "tree":
        return (
            DecisionTreeClassifier(max_depth=3, min_samples_leaf=25, random_state=1),
            "{ tree = { depth = 3, least-leaf = 25 } }",
        )
    return (
        GradientBoostingClassifier(
            n_estimators=40, learning_rate=0.1, max_depth=2, min_samples_leaf=20, random_state=1
        ),
        "{ boosted-trees = { n-trees = 40, learning-rate = 0.1, depth = 2, least-leaf = 20 } }",
    )


def double_machine_learning():
    for kind in ["lasso", "ridge", "tree", "boosted"]:
        # scikit-learn's trees hold covariates as 32-bit floats: whole numbers are exact in them.
        covariates = COVARIATES[:-1] if kind in ("tree", "boosted") else COVARIATES
        data = doubleml.DoubleMLData(nhefs, "wt82_71", "qsmk", covariates)
        if kind == "ridge":
            outcome, words = PerRow("ridge", 0.3), "{ ridge = { penalty = 0.3 } }"
        else:
            outcome, words = learners(kind)
        score, score_words = score_learner(kind)
        keys = f"folds = {{ in-turn = 5 }}\nclip = 0.01\noutcome-learner = {words}\nscore-learner = {score_words}"
        for estimand, irm in [("ate", "ATE"), ("att", "ATTE")]:
            model = doubleml.DoubleMLIRM(data, outcome, score, n_folds=5, score=irm)
            model.set_sample_splitting([SPLITS])
            model.fit()
            emit(f"dml-interactive-{kind}-{estimand}", f"double machine learning, interactive model, {kind}, {irm}",
                 f"DoubleMLIRM(…, score='{irm}') with given folds", estimand, ("doubly-robust", keys), model, kind, covariates)
        model = doubleml.DoubleMLPLR(data, outcome, score, n_folds=5, score="partialling out")
        model.set_sample_splitting([SPLITS])
        model.fit()
        keys = keys.replace("clip = 0.01\n", "")
        emit(f"dml-partially-linear-{kind}", f"double machine learning, partially linear model, {kind}",
             "DoubleMLPLR(…, score='partialling out') with given folds", "overlap", ("partially-linear", keys), model, kind, covariates)


def emit(name, what, call, estimand, design, model, kind, covariates):
    expected = {"estimate": model.coef[0], "se": model.se[0], "p": model.pval[0]}
    tolerance = {"lasso": 1e-6, "ridge": 1e-9, "tree": 1e-9, "boosted": 1e-9}[kind]
    notes = "Folds in turn by row. Covariates are scaled in each fit; the penalty is per row." if kind in ("lasso", "ridge") else "Folds in turn by row. Covariates are whole numbers: scikit-learn's trees hold them as 32-bit floats."
    if kind == "lasso":
        notes += " The reference's logistic lasso (saga) stops at 1e-12 of its gradient, which leaves 1e-7 of the estimate."
    write(name, what, SKLEARN, call, NHEFS, trial("wt82_71", estimand, design, covariates), expected, tolerance, estimand, notes)


def targeted():
    x = sm.add_constant(nhefs[COVARIATES].astype(float)).to_numpy()
    t = nhefs["qsmk"].to_numpy()
    p = sm.Logit(t, x).fit(disp=0, tol=1e-14, maxiter=200).predict(x)
    for outcome, family in [("wt82_71", None), ("death", "logit")]:
        y = nhefs[outcome].to_numpy(float)
        for estimand, arm in [("att", 1), ("atc", 0)]:
            odds = p / (1 - p) if arm else (1 - p) / p
            other = t != arm
            if family:
                q = sm.GLM(y[other], x[other], family=sm.families.Binomial()).fit(tol=1e-15, maxiter=200).predict(x)
                by = sm.GLM(y[other], odds[other][:, None], family=sm.families.Binomial(), offset=logit(q[other])).fit(tol=1e-15, maxiter=200).params[0]
                q = expit(logit(q) + by * odds)
            else:
                q = x @ np.linalg.lstsq(x[other], y[other], rcond=None)[0]
                by = (odds[other] @ (y - q)[other]) / (odds[other] @ odds[other])
                q = q + by * odds
            sign = 1 if arm else -1
            n_arm = (~other).sum()
            point = sign * (y - q)[~other].mean()
            influence = np.where(other, -odds * sign * (y - q), sign * (y - q) - point) / n_arm
            se = np.sqrt((influence**2).sum())
            seen, unseen = y[~other].mean(), q[~other].mean()
            means = (seen, unseen) if arm else (unseen, seen)
            expected = {"estimate": point, "se": se, "p": 2 * norm.sf(abs(point / se)), "mean_treated": means[0], "mean_comparator": means[1]}
            keys = f'outcome-family = "{family}"' if family else ""
            write(f"targeted-{estimand}-{outcome}", f"targeted maximum likelihood over one arm, {estimand}, {outcome}",
                  f"statsmodels {statsmodels.__version__}", "scripts/learners_and_parts.py", NHEFS,
                  trial(outcome, estimand, ("targeted", keys)), expected, 1e-8, estimand)


def two_part():
    terms = ["treat", "age", "educ", "nodegree", "married"]
    y = lalonde["re78"].to_numpy()
    x = sm.add_constant(lalonde[terms].astype(float)).to_numpy()
    above = y > 0
    for any_name in ["logit", "probit"]:
        for amount_name, family in [("gamma", sm.families.Gamma(sm.families.links.Log())), ("poisson", sm.families.Poisson())]:
            link = sm.families.links.Logit() if any_name == "logit" else sm.families.links.Probit()
            first = sm.GLM(above.astype(float), x, family=sm.families.Binomial(link)).fit(tol=1e-15, maxiter=200)
            second = sm.GLM(y[above], x[above], family=family).fit(tol=1e-15, maxiter=200)
            # Refined by Newton's method on the estimating equations, then their derivative by differences.
            chance = expit if any_name == "logit" else norm.cdf

            def equations(b):
                a, c = b[: x.shape[1]], b[x.shape[1] :]
                eta, mu = x @ a, np.exp(x @ c)
                m = chance(eta)
                if any_name == "logit":
                    one = (above - m)[:, None] * x
                else:
                    d = norm.pdf(eta)
                    one = ((above - m) * d / (m * (1 - m)))[:, None] * x
                left = (y - mu) / mu if amount_name == "gamma" else y - mu
                return np.hstack([one, np.where(above, left, 0.0)[:, None] * x])

            def slopes(b, of, h=1e-5):
                steps = []
                for k in range(len(b)):
                    size = h * max(1e-3, abs(b[k]))
                    e = np.zeros(len(b))
                    e[k] = size
                    steps.append((of(b - 2 * e) - 8 * of(b - e) + 8 * of(b + e) - of(b + 2 * e)) / (12 * size))
                return np.array(steps).T

            b = np.concatenate([first.params, second.params])
            total = lambda b: equations(b).sum(0)
            for _ in range(5):
                b = b - np.linalg.solve(slopes(b, total), total(b))
            # The expected information, as R's sandwich takes it: that of the observed differs for links
            # that are not canonical, and comes to the same if the mean is right.
            k = x.shape[1]
            eta, mu = x @ b[:k], np.exp(x @ b[k:])
            m = chance(eta)
            d = m * (1 - m) if any_name == "logit" else norm.pdf(eta)
            bread = np.zeros((2 * k, 2 * k))
            bread[:k, :k] = np.linalg.inv((x * (d**2 / (m * (1 - m)))[:, None]).T @ x)
            own = np.where(above, 1.0 if amount_name == "gamma" else mu, 0.0)
            bread[k:, k:] = np.linalg.inv((x * own[:, None]).T @ x)
            each = equations(b) @ bread.T

            def means(b, over):
                a, c = b[: x.shape[1]], b[x.shape[1] :]
                with_it, without = x.copy(), x.copy()
                with_it[:, 1], without[:, 1] = 1, 0
                p1, p0 = chance(with_it @ a)[over], chance(without @ a)[over]
                m1, m0 = np.exp(with_it @ c)[over], np.exp(without @ c)[over]
                one, zero = (p1 * m1).mean(), (p0 * m0).mean()
                return np.array([one, zero, one - zero, np.log(one / zero), (p1 - p0).mean(), (m1 - m0).mean()])

            names = ["mean_treated", "mean_comparator", "difference", "log_ratio", "any_difference", "amount_difference"]
            for estimand in ["ate", "att"]:
                over = np.ones(len(y), bool) if estimand == "ate" else (lalonde["treat"] == 1).to_numpy()
                found = means(b, over)
                gradient = slopes(b, lambda b: means(b, over))
                influence = each @ gradient.T
                errors = np.sqrt((influence**2).sum(0))
                expected = {}
                for name, value, error in zip(names, found, errors):
                    expected[name], expected[f"{name}_se"] = value, error
                expected["n_above_zero"] = above.sum()
                listed = ", ".join(f'"{t}"' for t in terms)
                request = f'''data = "../data/lalonde.csv"

[request.two-part]
outcome = "re78"
terms = [{listed}]
any = "{any_name}"
amount = "{amount_name}"
marginal = {{ term = "treat", estimand = "{estimand}" }}

[request.two-part.inference]
standard-error = "hc0"
degrees-of-freedom = "normal"
confidence-level = 0.95'''
                write(f"two-part-{any_name}-{amount_name}-{estimand}", f"earnings, many of them zero: {any_name} and {amount_name}, {estimand}",
                      f"statsmodels {statsmodels.__version__}; NumPy {np.__version__}", "scripts/learners_and_parts.py",
                      "GPL-2 or later (R package MatchIt)", request, expected, 1e-6, estimand,
                      "Stacked estimating equations with the expected information, as R's sandwich takes it; averages by fourth-order differences, good to about 1e-8.")


double_machine_learning()
targeted()
two_part()
