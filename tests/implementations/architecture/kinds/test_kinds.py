import inspect

import pytest

from implementations import frameworks
from implementations.architecture.kinds import KINDS

FRAMEWORKS = sorted({column.framework for column in frameworks.columns()})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_page_is_whole(kind):
    assert kind.about
    assert all(inspect.getdoc(kind.builder(framework)) for framework in FRAMEWORKS)
    assert (kind.gaps is None) == (kind.contenders is None)


def test_a_page_without_a_form_in_a_framework_says_so():
    with pytest.raises(NotImplementedError, match="'relu' have no form in caffe"):
        KINDS["relu"].builder("caffe")
