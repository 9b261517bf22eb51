import math

import numpy as np
import pytest
import sympy as sp

from symdiff.errors import ModelError
from symdiff.parameter import Parameter


@pytest.mark.parametrize("number", [2, np.float32(2), np.int64(2), sp.Integer(2), sp.Float(2.0), sp.Rational(4, 2)])
def test_parameters_take_numbers_of_any_kind(number):
    parameter = Parameter(number, min=number, max=number)
    assert parameter == Parameter(2.0, 2.0, 2.0)
    assert {type(parameter.value), type(parameter.min), type(parameter.max)} == {float}


def test_an_infinite_bound_is_no_bound():
    assert Parameter(1.0, min=-math.inf, max=math.inf) == Parameter(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": math.inf}, "^value is inf; give a finite number"),
        ({"value": True}, "^value is True, a bool; give a number"),
        ({"value": None}, "^value is None, a NoneType; give a number"),
        ({"value": 1j}, "^value is 1j, a complex; give a number"),
        ({"value": 10**400}, "^value lies beyond the range of float64"),
        ({"value": 1, "min": 2}, r"^value 1\.0 lies below min 2\.0"),
        ({"value": 1, "max": 0}, r"^value 1\.0 lies above max 0\.0"),
        ({"value": 1, "min": 3, "max": 0}, r"^min 3\.0 lies above max 0\.0; exchange them"),
        ({"value": 1, "min": math.inf}, "^min is inf; give a finite number, or leave it out"),
        ({"value": 1, "max": -math.inf}, "^max is -inf; give a finite number, or leave it out"),
        ({"value": 1, "max": math.nan}, "^max is nan; give a finite number"),
        ({"value": 1, "min": "low"}, "^min is 'low', a str; give a number"),
        ({"value": 1, "fixed": "yes"}, "^fixed is 'yes'; give true or false"),
        ({"value": 1, "unit": ""}, "^unit is ''; give one line of text"),
        ({"value": 1, "unit": 3}, "^unit is 3; give one line of text"),
    ],
)
def test_parameters_refuse_what_cannot_be(arguments, message):
    with pytest.raises(ModelError, match=message):
        Parameter(**arguments)
