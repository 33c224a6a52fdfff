from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.subject import lettering


def test_a_long_name_is_broken_and_the_rest_cut() -> None:
    font = lettering.font(11)
    assert lettering.wrapped("cam", 128, font) == ["cam"]
    long = lettering.wrapped("smooth_grad_cam_plus_plus", 128, font)
    assert long == ["smooth_grad_cam_", "plus_plus"]
    assert lettering.cut("w" * 100, 60, font).endswith("w…")
    assert lettering.fitted("yellow lady's slipper", 60, 6) == ["yellow lady's", "slipper"]
    assert lettering.fitted("daisy", 60, 6) == ["daisy"]


@given(st.text(st.characters(codec="ascii", categories=("L", "Z")), max_size=80), st.booleans())
def test_no_line_is_longer_than_its_room(text: str, bold: bool) -> None:
    lines = lettering.fitted(text, 60, 6, bold)
    assert len(lines) in (1, 2)
    assert all(lettering.font(96, bold).getlength(line) <= 16 * 60 for line in lines)
