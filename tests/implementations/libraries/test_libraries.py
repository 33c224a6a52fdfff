"""What every library, found by its file, must have, and how they are looked up."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from implementations import libraries
from implementations.architecture import registered
from implementations.errors import BadInput, Unavailable
from implementations.libraries import Library

OFFERS = [(name, offer) for name in libraries.names() for offer in libraries.describe(name).offers]


def test_captum_and_shap_are_found() -> None:
    assert {"captum", "shap"} <= set(libraries.names())


@pytest.mark.parametrize(("library", "offer"), OFFERS)
def test_every_offer_is_a_method(library: str, offer: str) -> None:
    described = libraries.describe(library)
    method = described.method(offer)
    assert method.name == f"{library}.{offer}"
    assert method.at in ("layer", "input")
    like = described.offers[offer].like
    assert like == "" or like.isidentifier()
    assert method.why.endswith(".")
    assert method.resolve({}).score == "logit"
    for option in method.options.values():
        assert option.meaning
        assert option.parse(str(option.default)) == option.default


def test_options_are_typed_by_the_offer() -> None:
    method = libraries.describe("captum").method("integrated_gradients")
    assert method.resolve({"n_steps": "20"}).n_steps == 20
    with pytest.raises(BadInput, match=r"n_steps.*whole number"):
        method.resolve({"n_steps": "many"})
    with pytest.raises(BadInput, match=r"captum\.integrated_gradients.*did you mean n_steps"):
        method.resolve({"steps": "20"})


def test_layers_are_checked_like_our_own() -> None:
    architecture = registered.get("cnn-gap")
    captum = libraries.describe("captum")
    assert captum.method("layer_grad_cam").layer(architecture, None) == "relu4"
    assert captum.method("saliency").layer(architecture, None) == "input"
    with pytest.raises(BadInput, match="omit --layer"):
        captum.method("saliency").layer(architecture, "conv1")


def test_unknown_names_give_the_nearest() -> None:
    with pytest.raises(BadInput, match="captum"):
        libraries.load("captun")
    with pytest.raises(BadInput, match="saliency"):
        libraries.describe("captum").method("salience")


def test_another_framework_is_refused() -> None:
    with pytest.raises(Unavailable, match="pytorch only"):
        libraries.describe("captum").method("saliency").builder("jax")


def test_a_library_that_is_not_installed_says_what_to_install() -> None:
    module = ModuleType("absent")
    module.__dict__.update(
        TITLE="Absent", PACKAGE="absent-xyz", IMPORTS={"absent_xyz": "absent-xyz", "sys": "sys"}
    )
    library = Library("absent", module)
    assert library.missing == "Absent is not installed; pip install absent-xyz"
    with pytest.raises(Unavailable, match="pip install absent-xyz"):
        library.version()


def test_version_is_that_of_the_distribution() -> None:
    pytest.importorskip("captum")
    assert libraries.load("captum").version() == version("captum")


def test_describing_imports_no_framework_and_no_library() -> None:
    code = (
        "import sys\n"
        "from implementations import libraries\n"
        "for name in libraries.names(): libraries.describe(name)\n"
        "heavy = {'torch', 'captum', 'shap', 'cv2', 'jax', 'tensorflow', 'keras', 'eli5'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_with_an_environment_of_its_own_says_how_to_install_it_and_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("absent")
    module.__dict__.update(
        TITLE="Absent", PACKAGE="absent-xyz", IMPORTS={"absent_xyz": "absent-xyz"},
        ENVIRONMENT="alone", FRAMEWORK="keras",
    )  # fmt: skip
    library = Library("absent", module)
    monkeypatch.setattr(libraries, "ENVIRONMENTS", tmp_path)
    assert library.python is None and library.note().startswith("in an environment of its own")
    assert library.missing == (
        "Absent is not installed; nox -s alone installs it into an environment of its own"
    )
    python = tmp_path / "alone" / ("Scripts" if os.name == "nt" else "bin") / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert library.python == python
    assert library.missing == f"Absent has an environment of its own: run this with {python}"


def test_each_environment_of_a_library_is_a_session() -> None:
    text = (Path(__file__).parents[3] / "noxfile.py").read_text(encoding="utf-8")
    own = {e for name in libraries.names() if (e := libraries.describe(name).environment)}
    assert own == {"xplique"}
    for name in own:
        assert f"def {name}(session" in text
