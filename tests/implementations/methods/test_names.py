from __future__ import annotations

import pytest

from implementations import libraries, methods
from implementations.errors import BadInput


def test_options_in_a_name_are_those_of_the_method() -> None:
    plain, mean = methods.load("grad_cam"), methods.load("grad_cam[reduction=mean]")
    assert plain.resolve({})["reduction"] == "sum" and mean.resolve({})["reduction"] == "mean"
    assert mean.resolve({"reduction": "sum"})["reduction"] == "sum"
    assert mean.module is plain.module and mean.name == "grad_cam[reduction=mean]"
    one = methods.load("grad_cam[relu=false,reduction=mean]").name
    assert one == methods.load("grad_cam[reduction=mean,relu=false]").name
    assert methods.load(one).resolve({})["relu"] is False


def test_a_librarys_method_takes_them_too() -> None:
    library = libraries.describe("captum")
    offer, (option, about) = next(
        (name, next(iter(each.options.items())))
        for name, each in library.offers.items()
        if each.options
    )
    method = library.method(f"{offer}[{option}={about.default}]")
    assert method.offer == offer and option in method.name
    assert method.resolve({})[option] == about.default


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gradcam[reduction=mean]", "did you mean grad_cam"),
        ("grad_cam[reducton=mean]", "did you mean reduction"),
        ("grad_cam[reduction=max]", "one of sum, mean"),
        ("grad_cam[reduction]", "NAME.OPTION=VALUE"),
        ("grad_cam[]", "NAME.OPTION=VALUE"),
        ("grad_cam[reduction=mean", "NAME.OPTION=VALUE"),
        ("grad_cam[relu=true,relu=false]", "twice"),
        ("saliency[points=5]", "unknown option"),
    ],
)
def test_names_that_mean_nothing(name: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        methods.load(name)
