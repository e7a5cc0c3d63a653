"""Writes the cases of entropy balancing whose target means vary from sample to sample.

usage: python estimated_weights.py   (from this folder; numpy and pandas)

Every parameter is stacked: means of the target, slopes of the weights, and both mean outcomes. The
error is the sandwich of the stacked equations, with slopes by central differences.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
OUT = HERE.parent / "requests"


def column(frame, name):
    if "^" in name:
        return frame[name[:-2]].to_numpy(float) ** 2
    if "=" in name:
        of, value = name.split("=")
        return (frame[of] == int(value)).to_numpy(float)
    return frame[name].to_numpy(float)


def stacked(x, t, y, target, arms):
    """Rows of the equations at the parameters, as a function of them."""
    k = x.shape[1]

    def rows(p):
        centre, parts = p[:k], [target[:, None] * (x - p[:k])]
        at = k
        for arm in (1, 0):
            if arm in arms:
                w = (t == arm) * np.exp((x - centre) @ p[at : at + k])
                parts.append(w[:, None] * (x - centre))
                at += k
            else:
                w = (t == arm).astype(float)
            parts.append((w * (y - p[at]))[:, None])
            at += 1
        return np.hstack(parts)

    return rows


def solve(x, t, y, target, arms):
    centre = x[target > 0].mean(0)
    z, found, means = x - centre, [centre], []
    for arm in (1, 0):
        theta, own = np.zeros(x.shape[1]), t == arm
        if arm in arms:
            for _ in range(60):
                w = np.exp(z[own] @ theta)
                theta = theta - np.linalg.solve((z[own] * w[:, None]).T @ z[own], w @ z[own])
            found.append(theta)
        w = np.exp(z[own] @ theta)
        means.append(w @ y[own] / w.sum())
        found.append(np.array(means[-1:]))
    return np.concatenate(found), means


def answer(x, t, y, estimand):
    x = (x - x.mean(0)) / x.std(0)
    target = np.ones(len(t)) if estimand == "ate" else (t == 1).astype(float)
    arms = (1, 0) if estimand == "ate" else (0,)
    p, (with_, without) = solve(x, t, y, target, arms)
    rows = stacked(x, t, y, target, arms)
    step = 1e-6 * np.maximum(1, np.abs(p))
    slope = np.empty((len(p), len(p)))
    for j, h in enumerate(step):
        e = np.zeros(len(p))
        e[j] = h
        slope[:, j] = (rows(p + e).sum(0) - rows(p - e).sum(0)) / (2 * h)
    influence = -np.linalg.solve(slope, rows(p).T)
    k = x.shape[1]
    first = 2 * k if 1 in arms else k
    difference = influence[first] - influence[-1]
    return with_ - without, np.sqrt((difference**2).sum())


def write(case, data, licence, treatment, estimand, outcome, covariates):
    frame = pd.read_csv(HERE.parent / "data" / data)
    x = np.column_stack([column(frame, name) for name in covariates])
    t, y = frame[treatment].to_numpy(), frame[outcome].to_numpy(float)
    estimate, se = answer(x, t, y, estimand)
    quoted = ", ".join(f'"{name}"' for name in covariates)
    (OUT / f"{case}.toml").write_text(
        f"""schema = "utfall-case/1"
what = "entropy balancing {estimand.upper()}, with the error of weights and target means"
estimand = "{estimand}"

[source]
software = "numpy {np.__version__}"
call = "python estimated_weights.py"
data-licence = "{licence}"

[request]
schema = "utfall-request/1"
data = "../data/{data}"
estimand = "{estimand}"
id = "id"

[request.treatment]
column = "{treatment}"
treated = "1"
comparator = "0"

[request.weighting]
covariates = [{quoted}]
method = {{ kind = "entropy-balancing", moments = 1 }}

[request.effect]
estimator = "balanced-difference"
target-means = "sampled"
outcome = "{outcome}"
standard-error = "hc0"
degrees-of-freedom = "normal"
confidence-level = 0.95

[expected]
estimate = {float(estimate)!r}
se = {float(se)!r}

[tolerance]
default = 1e-09
se = 1e-07
"""
    )


write(
    "B10-ebal-ATT-lalonde-sampled-means",
    "lalonde.csv",
    "GPL-2 or later (R package MatchIt)",
    "treat",
    "att",
    "re78",
    ["age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75"],
)
write(
    "B12-ebal-ATE-nhefs-sampled-means",
    "nhefs.csv",
    "MIT (Python package causaldata); the survey is in the public domain",
    "qsmk",
    "ate",
    "wt82_71",
    ["sex", "race", "age", "age^2", "education=2", "education=3", "education=4", "education=5"]
    + ["smokeintensity", "smokeintensity^2", "smokeyrs", "smokeyrs^2", "exercise=1", "exercise=2"]
    + ["active=1", "active=2", "wt71", "wt71^2"],
)
