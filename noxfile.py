"""Sessions: short verbs. All of them share one environment, installed once into `.nox/suite`.

`nox -s compare` runs the main job, `nox -s tests` the tests, `nox -l` lists the rest. What follows
`--` goes to the command: `nox -s compare -- --dataset fashion_mnist`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
SUITE = ROOT / ".nox" / "suite"
GROUPS = ("core", "jax", "pytorch", "keras", "tensorflow", "libraries", "tests", "lint")

nox.options.sessions = ["tests", "lint"]


def environment(session: nox.Session) -> str:
    """The shared environment's Python; installed anew when its requirements have changed."""
    python = SUITE / ("Scripts" if os.name == "nt" else "bin") / "python"
    project = nox.project.load_toml("pyproject.toml")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    requirements = nox.project.dependency_groups(project, *GROUPS)
    stamp = hashlib.sha256("\n".join([*requirements, constraints]).encode()).hexdigest()
    marker = SUITE / "installed"
    if marker.exists() and marker.read_text(encoding="utf-8") == stamp:
        return str(python)
    session.log("installing the frameworks and libraries once, into .nox/suite")
    session.run(sys.executable, "-m", "venv", "--clear", str(SUITE))
    session.run(str(python), "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    session.run(str(python), "-m", "pip", "install", "-c", "constraints.txt", *requirements)
    marker.write_text(stamp, encoding="utf-8")
    return str(python)


def bench(session: nox.Session, command: str) -> None:
    """Run a command of the suite."""
    session.run(environment(session), "-m", "bench", command, *session.posargs)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.run(environment(session), "-m", "pytest", *session.posargs)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and types."""
    python = environment(session)
    session.run(python, "-m", "ruff", "check")
    session.run(python, "-m", "ruff", "format", "--check")
    session.run(python, "-m", "mypy")


@nox.session(venv_backend="none")
def compare(session: nox.Session) -> None:
    """The main job: train, agree, time, contrast, and the tables."""
    given = [] if "--rounds" in session.posargs else ["--rounds", "3"]
    session.run(environment(session), "-m", "bench", "compare", *given, *session.posargs)


@nox.session(venv_backend="none")
def train(session: nox.Session) -> None:
    """Train one network in one framework."""
    bench(session, "train")


@nox.session(venv_backend="none")
def agree(session: nox.Session) -> None:
    """Check every column against the oracle."""
    bench(session, "agree")


@nox.session(name="bench", venv_backend="none")
def time(session: nox.Session) -> None:
    """Time every column."""
    bench(session, "time")


@nox.session(venv_backend="none")
def contrast(session: nox.Session) -> None:
    """Set our methods beside the libraries'."""
    bench(session, "contrast")


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Write the tables and pictures again."""
    bench(session, "report")


@nox.session(venv_backend="none")
def sweep(session: nox.Session) -> None:
    """Check agreement everywhere: every method, layer and mode."""
    bench(session, "sweep")
