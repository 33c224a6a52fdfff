from __future__ import annotations

from pathlib import Path

import pytest

from bench.stages.time import energy


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages, and a part of the first, as Linux' powercap shows them."""
    for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text("5000000\n")
        (tmp_path / name / "max_energy_range_uj").write_text("262143328850\n")
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    return tmp_path


def test_joules_are_of_all_packages_and_their_parts_counted_once(packages: Path) -> None:
    meter = energy.Meter()
    (packages / "intel-rapl:0" / "energy_uj").write_text("7500000\n")
    (packages / "intel-rapl:0:0" / "energy_uj").write_text("7000000\n")
    (packages / "intel-rapl:1" / "energy_uj").write_text("6000000\n")
    assert meter.joules() == pytest.approx(2.5 + 1.0)


def test_a_counter_that_began_again_is_no_negative_energy(packages: Path) -> None:
    (packages / "intel-rapl:0" / "energy_uj").write_text("262143000000\n")
    meter = energy.Meter()
    (packages / "intel-rapl:0" / "energy_uj").write_text("1000000\n")
    assert meter.joules() == pytest.approx(1.32885)


def test_a_gpu_that_tells_nothing_is_not_left_out_of_the_sum(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([10.0, 14.0])
    monkeypatch.setattr(energy, "_gpu_joules", lambda: next(told))
    assert energy.Meter(gpu=True).joules() == pytest.approx(4.0)
    monkeypatch.setattr(energy, "_gpu_joules", lambda: None)
    assert energy.Meter(gpu=True).joules() is None


def test_a_machine_that_tells_nothing_has_no_energy(packages: Path) -> None:
    for name in ("intel-rapl:0", "intel-rapl:1"):
        (packages / name / "energy_uj").unlink()
        (packages / name / "energy_uj").mkdir()  # as unreadable as it is to all but root
    assert energy.Meter().joules() is None
