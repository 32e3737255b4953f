"""Probability that a lumbar disc herniation has resorbed on MRI by the surgery date.

>>> from discresorb import load
>>> prediction = load().predict(
...     size_mm=11, sequestrated=True, months_since_onset=0.5, months_to_surgery=6.2
... )
>>> prediction.reimage
True
"""

from discresorb.errors import ArtifactError, DiscresorbError, InputError, ModelNotKeptWarning
from discresorb.prediction import Prediction
from discresorb.predictor import Predictor, load

__all__ = [
    "ArtifactError",
    "DiscresorbError",
    "InputError",
    "ModelNotKeptWarning",
    "Prediction",
    "Predictor",
    "__version__",
    "load",
]
__version__ = "0.1.0"
