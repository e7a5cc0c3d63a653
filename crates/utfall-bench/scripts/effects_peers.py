"""Seconds that Python peers take for a task on the CSV file that `speed_effects` wrote.

usage: effects_peers.py TASK FILE DRAWS; prints seconds, of the estimate alone. With several peers
for a task the fastest counts; pyfixest is taken where it is installed, after a fit of a few rows.
"""

import sys
import time

import numpy as np
import pandas as pd
import statsmodels.api as sm

task, path, draws = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = pd.read_csv(path)
covariates = [name for name in data.columns if name.startswith("x")]
outcome = data["y"].to_numpy()
treated = data["t"].to_numpy(float)
design = np.column_stack([np.ones(len(data)), treated, data[covariates].to_numpy()])


def cluster():
    groups = data["g"].to_numpy()
    sm.OLS(outcome, design).fit(cov_type="cluster", cov_kwds={"groups": groups}).bse


def cluster_pyfixest():
    pyfixest.feols(formula, data, vcov={"CRV1": "g"}).se()


def aipw():
    columns = np.delete(design, 1, axis=1)
    random = np.random.default_rng(1)
    for _ in range(draws):
        rows = random.integers(0, len(data), len(data))
        x, t, y = columns[rows], treated[rows], outcome[rows]
        score = sm.GLM(t, x, family=sm.families.Binomial()).fit().fittedvalues
        with_it = x @ np.linalg.lstsq(x[t == 1], y[t == 1], rcond=None)[0]
        without = x @ np.linalg.lstsq(x[t == 0], y[t == 0], rcond=None)[0]
        part = with_it - without + t * (y - with_it) / score - (1 - t) * (y - without) / (1 - score)
        part.mean()


def wild():
    # The fast way: sums by cluster once, then products of small matrices.
    codes = data["g"].to_numpy()
    n_groups = codes.max() + 1
    others = np.delete(design, 1, axis=1)
    inverse = np.linalg.inv(design.T @ design)
    residual = outcome - others @ np.linalg.lstsq(others, outcome, rcond=None)[0]
    pull = np.zeros((n_groups, design.shape[1]))
    np.add.at(pull, codes, design * residual[:, None])
    products = np.zeros((n_groups, design.shape[1], design.shape[1]))
    np.add.at(products, codes, design[:, :, None] * design[:, None, :])
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (draws, n_groups))
    moved = signs @ pull @ inverse
    own = pull @ inverse[:, 1]
    share = np.einsum("gij,j->gi", products, inverse[:, 1])
    score = signs * own - moved @ share.T
    (moved[:, 1] / np.sqrt((score**2).sum(1)))


def permutation():
    random = np.random.default_rng(1)
    n_treated = int(treated.sum())
    for _ in range(draws):
        chosen = random.permutation(len(data))[:n_treated]
        outcome[chosen].sum()


tasks = {"cluster": [cluster], "aipw": [aipw], "wild": [wild], "permutation": [permutation]}
if task == "cluster":
    try:
        import pyfixest

        formula = "y ~ t + " + " + ".join(covariates)
        pyfixest.feols(formula, data[:1000], vcov={"CRV1": "g"}).se()
        tasks["cluster"].append(cluster_pyfixest)
    except ImportError:
        pass
seconds = []
for peer in tasks[task]:
    start = time.perf_counter()
    peer()
    seconds.append(time.perf_counter() - start)
print(min(seconds))
