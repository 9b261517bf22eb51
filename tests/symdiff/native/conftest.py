"""The compiled loop needs a C compiler; where there is none its tests say so."""

import shutil

import pytest

from symdiff.native.library import COMPILERS


@pytest.fixture(autouse=True)
def _compiler():
    if not any(map(shutil.which, COMPILERS)):
        pytest.skip("no C compiler (cc, gcc, clang) on the PATH")
