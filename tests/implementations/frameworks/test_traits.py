from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from implementations import frameworks
from implementations.frameworks.keras.traits import TRAITS

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = frameworks.known()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.label))
def test_a_column_computes_with_arrays_of_a_package_that_it_needs(
    column: frameworks.Column,
) -> None:
    traits = column.traits
    assert traits.arrays in column.packages
    assert (traits.reset_pool is None) == (traits.pool_peak is None)
    assert traits.step_programs is None or traits.step_counter is not None


def test_what_says_the_traits_imports_no_framework() -> None:
    code = (
        "import sys; from implementations import frameworks as f; "
        "[c.traits for c in f.known()]; print(sorted(f.packages() & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_one_column_of_a_framework_is_its_own_and_one_has_every_seed() -> None:
    own = [column for column in COLUMNS if column.own]
    assert len({column.framework for column in own}) == len(own)
    assert {column.framework for column in own} == {column.framework for column in COLUMNS}
    assert sum(column.traits.every_seed for column in COLUMNS) == 1


def test_the_reference_computes_with_numpy_alone() -> None:
    assert frameworks.column(frameworks.REFERENCE).traits.arrays == ""


def test_what_a_library_compiled_itself_runs_as_python_while_it_is_looked_into() -> None:
    tf = pytest.importorskip("tensorflow")
    ran: list[str] = []

    @tf.function
    def gradients(array: Any) -> Any:
        ran.append("python")
        return 2 * array

    ones = tf.ones(3)
    gradients(ones)
    ran.clear()
    gradients(ones)
    assert not ran
    uncompiled = TRAITS["tensorflow"].uncompiled
    assert uncompiled is not None
    with uncompiled():
        assert gradients(ones).numpy().tolist() == [2, 2, 2]
    assert ran == ["python"]
    gradients(ones)
    assert ran == ["python"], "it is compiled again"
