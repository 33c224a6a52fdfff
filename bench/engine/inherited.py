"""What a child inherits of the shell's variables: an allow-list, so that no setting is forgotten.

A setting of a framework, a compiler or a linker that a user has in the shell would change figures
and stand in no row. What is dropped and could have done so is said once, and kept in the run's
head.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

PASSED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TMPDIR",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER",
    "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "CC", "CXX",
    "CAMPARISON_DATA", "CAMPARISON_WEIGHTS",
    "PYTHONPATH",  # what this process itself runs by: a child must not find other code
})  # fmt: skip
"""The variables that a child has of its parent: where things are, not how to compute."""
TELLING = (
    "ATEN_", "BLIS_", "CAMPARISON_PYTHON", "CUBLAS", "CUDA_", "CUDNN", "DNNL_", "FLAX_", "GLIBC_",
    "GOMP_", "GOTO", "JAX_", "KERAS_", "KMP_", "LD_", "LIBOMP", "MALLOC_", "MKL_", "NCCL_",
    "NPY_", "NUMBA_", "NVIDIA_TF32", "OMP_", "ONEDNN_", "OPENBLAS_", "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS", "PYTHONDEVMODE", "PYTHONHOME", "PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHON_",
    "PYTORCH", "TBB_", "TENSORFLOW_", "TF2_", "TF_", "TORCH", "TRITON_", "VECLIB_", "XLA_",
)  # fmt: skip
"""How the names begin that could have changed a figure."""


def passed() -> dict[str, str]:
    """The variables of the shell that a child gets; a user without a name has one made of the id.

    Python and PyTorch ask for the user's name, which a container's user may not have.
    """
    kept = {name: os.environ[name] for name in PASSED if name in os.environ}
    user = kept.get("USER") or kept.get("LOGNAME") or f"user{os.getuid()}"
    return {**kept, "USER": user, "LOGNAME": user}


def dropped(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that no child gets and that could have changed a figure, by name."""
    given = os.environ if variables is None else variables
    return {
        name: value
        for name, value in sorted(given.items())
        if name not in PASSED and name.startswith(TELLING)
    }
