"""Expected values of `structural-series-*.toml`: statsmodels, exact diffuse start, most likely variances.

Run from this folder: python3 structural_series.py
"""
import numpy as np
import pandas as pd
from statsmodels.tsa.statespace.structural import UnobservedComponents

data = pd.read_csv("../data/seatbelts.csv", float_precision="round_trip")
before = 169
y = np.log(data["drivers"].to_numpy(float))
x = np.log(data["kms"].to_numpy(float))

for name, options, exog in [
    ("level", {"level": "llevel", "seasonal": 12}, x),
    ("linear", {"level": "lltrend"}, None),
]:
    model = UnobservedComponents(
        y[:before],
        exog=None if exog is None else exog[:before, None],
        mle_regression=False,
        use_exact_diffuse=True,
        **options,
    )
    start = np.full(len(model.param_names), 1e-3)
    fit = model.fit(start_params=start, method="nm", maxiter=20_000, xtol=1e-12, ftol=1e-12, disp=False)
    fit = model.fit(start_params=fit.params, method="nm", maxiter=20_000, xtol=1e-13, ftol=1e-14, disp=False)
    future = None if exog is None else exog[before:, None]
    ahead = fit.get_forecast(len(y) - before, exog=future)
    print(name, dict(zip(model.param_names, fit.params)), "log-likelihood", fit.llf)
    if exog is not None:
        place = [i for i, state in enumerate(model.state_names) if state.startswith("beta")]
        print("  coef", fit.filtered_state[place[0], -1], fit.filtered_state_cov[place[0], place[0], -1] ** 0.5)
    for step in [0, 11, 22]:
        print("  ", step + before + 1, ahead.predicted_mean[step], ahead.se_mean[step], y[before + step])
    print("  total", (y[before:] - ahead.predicted_mean).sum())
