"""Errors of published figures, by the textbook formulas and Python's standard library alone.

Prints, for each comparison of published-peterborough.toml, the numbers that utfall is to give.
"""

import math
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


def rate(value, persons=None):
    """Events per 100 persons; a Poisson count if its persons are known."""
    return value, value * 100 / persons if persons else 0.0


def share(value, persons=None):
    """Percent of persons; a binomial share if its persons are known."""
    return value, value * (100 - value) / persons if persons else 0.0


def effect(name, treated_after, comparator_after, treated_before=(0, 0), comparator_before=(0, 0)):
    others = [comparator_after, treated_before, comparator_before]
    counterfactual = treated_before[0] + comparator_after[0] - comparator_before[0]
    difference = treated_after[0] - counterfactual
    error = math.sqrt(treated_after[1] + sum(variance for _, variance in others))
    print(name, "difference", difference, "counterfactual", counterfactual)
    print("  relative reduction", 1 - treated_after[0] / counterfactual)
    if error == 0:
        return
    z = difference / error
    print("  se", error, "t", z, "p", math.erfc(abs(z) / math.sqrt(2)))
    print("  interval", difference - Z * error, difference + Z * error)
    middle = math.log(treated_after[0] / counterfactual)
    of_log = math.sqrt(
        treated_after[1] / treated_after[0] ** 2
        + sum(variance for _, variance in others) / counterfactual**2
    )
    print("  reduction", 1 - math.exp(middle + Z * of_log), 1 - math.exp(middle - Z * of_log))


effect("events, national comparison", rate(78, 1006), rate(84), rate(84, 1088), rate(75))
effect("persons, national comparison", share(38.6, 1006), share(39.3), share(40.3, 1088), share(37.3))
effect("events, first cohort", rate(142), rate(155))
