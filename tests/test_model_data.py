"""A model as plain data: whole, exact, and said by Python."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from composed import CURVED, MANY, OPTIONAL, composed

from discresorb import InputError, Predictor, load
from discresorb.pages.model_data import model_data


@pytest.mark.parametrize("threshold", [0.0, 1.5, math.nan])
def test_a_threshold_that_is_none_is_refused(predictor: Predictor, threshold: float) -> None:
    with pytest.raises(InputError, match="threshold entered as"):
        model_data(predictor, threshold)


def test_a_typical_patient_is_one_of_the_training(predictor: Predictor) -> None:
    quantiles = predictor.artifact["fingerprint"]["quantiles"]
    assert model_data(predictor)["typical"] == {
        "covariates": [quantiles["size_mm"]["0.5"], 0.0],
        "entry": quantiles["months_since_onset"]["0.5"],
    }
    fingerprint = {
        "quantiles": {
            "size_mm": {"0.5": 8.5},
            "age": {},
            "months_since_onset": {"0.5": 2.5119999999999996},
        },
        "shares": {
            "sequestrated": {"shares": [0.25, 0.5], "missing": 0.25},
            "work": {"shares": [0.25, 0.25, 0.5], "missing": 0.0},
            "smoker": {"shares": [0.5, 0.5], "missing": 0.0},
        },
    }
    found = model_data(composed(CURVED, fingerprint=fingerprint))["typical"]
    assert found["entry"] == 2.512
    # age and bmi were never known, so the middle of what the support tells stands for them
    assert found["covariates"][:2] == [8.5, 1.0]
    assert found["covariates"][3] == 2.0
    assert found["covariates"][5] == 0.0
    ranges = composed(CURVED).artifact["support"]["groups"][1]["ranges"]
    assert found["covariates"][2] == sum(ranges["age"]) / 2.0


@pytest.mark.parametrize("predictor", [load(), composed(CURVED, optional=OPTIONAL), composed(MANY)])
def test_the_data_are_plain_and_whole(predictor: Predictor) -> None:
    data = model_data(predictor)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    rows = data["curve"]["root"]
    root = np.array([[0.0] * j + row for j, row in enumerate(rows)])
    np.testing.assert_allclose(root.T @ root, predictor.artifact["covariance"], atol=1e-12)
    assert data["curve"]["location"] == predictor.artifact["location"].tolist()
    assert [each["allowed"] for each in data["covariates"]] == [
        column.allowed for column in predictor.columns
    ]


def test_a_limit_that_there_is_not_is_none() -> None:
    columns = {each["name"]: each for each in model_data(composed(CURVED))["covariates"]}
    assert (columns["age"]["low"], columns["age"]["high"]) == (16.0, None)
    assert (columns["bmi"]["low"], columns["bmi"]["high"]) == (None, 80.0)
    assert (columns["size_mm"]["low"], columns["size_mm"]["high"]) == (0.5, 40.0)
