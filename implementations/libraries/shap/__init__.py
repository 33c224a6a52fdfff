"""SHAP (Lundberg & Lee 2017, arXiv 1705.07874): Shapley values by masking, or by gradients.

What masks asks for a function of arrays, and so explains networks of any framework; it is
contrasted in PyTorch, and timed in each framework's own column. Each colour channel is a feature
of its own: their sum is taken.
"""

from __future__ import annotations

import warnings
from typing import Any

TITLE = "SHAP"
PACKAGE = "shap"
IMPORTS = {"shap": "shap", "cv2": "opencv-python-headless"}
FRAMEWORK = "pytorch"
FRAMEWORKS = ("jax", "pytorch", "keras")


def imported() -> Any:
    """The library."""
    with warnings.catch_warnings():
        # Its colour maps are made on import in a way that Matplotlib 3.11 means to retire.
        warnings.filterwarnings("ignore", "The set_", PendingDeprecationWarning)
        import shap
    return shap
