"""Times one task of other tools on seeded data, for `speed matching --peers`: prints seconds.

usage: matching_peers.py yardstick | assignment N_TREATED N_COMPARATORS WIDTH

yardstick: least squares with clusters of a million rows and twenty covariates by statsmodels. On the
machine where MatchIt 4.7, WeightIt 1.4 and optmatch 0.10.8 were timed it took 3.6 s, so that their times
can be carried over to this one. assignment: the least total distance of pairs within a caliper, dense, by
SciPy (Jonker-Volgenant).
Needs numpy, scipy, pandas and statsmodels from PyPI.
"""

import sys
import time

import numpy as np


def yardstick():
    import statsmodels.api as sm

    rng = np.random.default_rng(20240501)
    n, n_clusters = 1_000_000, 1000
    clusters = rng.integers(0, n_clusters, n)
    covariates = rng.normal(size=(n, 20))
    treated = (np.arange(n_clusters) % 2)[clusters]
    outcome = covariates @ (np.arange(20) / 20) + 0.3 * treated + rng.normal(size=n_clusters)[clusters]
    outcome = outcome + rng.normal(size=n) * 2
    design = np.column_stack([np.ones(n), treated, covariates])

    def once():
        start = time.perf_counter()
        sm.OLS(outcome, design).fit(cov_type="cluster", cov_kwds={"groups": clusters})
        return time.perf_counter() - start

    return min(once() for _ in range(3))


def assignment(n_treated, n_comparators, width):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(7)
    treated, comparators = rng.normal(1, 1, n_treated), rng.normal(0, 1, n_comparators)
    start = time.perf_counter()
    distance = np.abs(treated[:, None] - comparators[None, :])
    distance[distance > width] = 1e6
    linear_sum_assignment(distance)
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1] == "yardstick":
        print(yardstick())
    else:
        print(assignment(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
