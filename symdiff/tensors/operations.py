"""The table of operations on whole arrays; `operation` explains the columns."""

from __future__ import annotations

from symdiff.tensors.contraction import CONTRACT
from symdiff.tensors.gathering import GATHER, SCATTER
from symdiff.tensors.layout import BROADCAST, COUNT, EXPAND, IDENTITY, PLACE, SLICE, STACK
from symdiff.tensors.linear_algebra import COFACTORS, DETERMINANT, INVERSE, LOG_DETERMINANT
from symdiff.tensors.operation import Operation
from symdiff.tensors.reductions import LOG_SUM_EXP, OTHERS, PRODUCT, TOP

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        CONTRACT,
        BROADCAST,
        EXPAND,
        SLICE,
        PLACE,
        GATHER,
        SCATTER,
        STACK,
        IDENTITY,
        COUNT,
        INVERSE,
        DETERMINANT,
        LOG_DETERMINANT,
        COFACTORS,
        PRODUCT,
        OTHERS,
        LOG_SUM_EXP,
        TOP,
    )
}
