r"""Covariance of weighted estimates whose rows belong together: the sandwich, by cluster.

A patient's rows, split at visits, are not so many patients, and a weight of 2 is not two patients.
The inverse of the Hessian takes them so; the sandwich does not.
"""

from __future__ import annotations

import numpy as np

from discresorb.distributions import Array, Distribution
from discresorb_training.blocks import Prepared
from discresorb_training.likelihood import row_scores

__all__ = ["cluster_numbers", "clustered_covariance", "fit_options", "one_share_each"]


def clustered_covariance(
    prepared: Prepared,
    distribution: Distribution,
    theta: Array,
    inverse_information: Array,
    cluster: Array,
    weights: Array | None,
    cure: bool,
) -> Array:
    r"""Give :math:`A^{-1} B A^{-1}`, with B the sum over clusters of :math:`u_c u_c^T`.

    A is the negative penalised Hessian, :math:`u_c` the sum of a cluster's weighted row scores.
    Weights are taken as known; estimated ones usually make this covariance a little too wide.

    Parameters
    ----------
    prepared, distribution, theta, cure
        Of the fit, as in `evaluate`.
    inverse_information : float array, (parameters, parameters)
        :math:`A^{-1}`.
    cluster : int array, (n,)
        Number of each row's cluster, from 0 on.
    weights : float array, (n,), or None
        Of the rows of the data.

    Notes
    -----
    Lin and Wei, J Am Stat Assoc 1989;84:1074.
    """
    scores = row_scores(prepared, distribution, theta, cure=cure, count=len(cluster))
    if weights is not None:
        scores *= weights[:, None]
    totals = np.column_stack([np.bincount(cluster, weights=column) for column in scores.T])
    covariance: Array = inverse_information @ (totals.T @ totals) @ inverse_information
    return 0.5 * (covariance + covariance.T)  # symmetric to the last digit


def cluster_numbers(labels: Array) -> Array:
    """Give each row the number of its cluster, from 0 on, whatever the labels are."""
    return np.unique(labels, return_inverse=True)[1].ravel()


def one_share_each(cluster: Array) -> Array:
    """Weights of rows by which every cluster counts once."""
    numbers = cluster_numbers(cluster)
    share: Array = 1.0 / np.bincount(numbers)[numbers]
    return share


def fit_options(weights: Array | None, patient: Array | None) -> dict[str, Array]:
    """Give what `ResorptionModel.fit` must be told of weighted rows, of split patients.

    A patient's rows are a cluster, and count once in the scale of the penalty.
    """
    options = {} if weights is None else {"sample_weight": weights}
    if patient is not None:
        options |= {"cluster": patient, "scale_weight": one_share_each(patient)}
    return options
