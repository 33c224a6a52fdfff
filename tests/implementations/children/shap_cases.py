"""What SHAP's explainers are asked for in every column: for tests."""

from __future__ import annotations

ASKED: dict[str, dict[str, str]] = {
    "partition": {"kernel": "14", "max_evals": "60"},
    "permutation": {"masker": "inpaint_telea", "max_evals": "1261"},
    "gradient": {"nsamples": "20"},
    "deep": {},
}
