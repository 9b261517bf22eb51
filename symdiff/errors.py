"""Every error this project raises on purpose, in one tree.

    SymdiffError
    ├── InputError                what was given cannot be used (command line: exit code 2)
    │   ├── ParseError            a formula text
    │   ├── SymbolError           a symbol or name: unknown, missing, ambiguous
    │   ├── ShapeError            a shape, a length or an index of a matrix or an array
    │   ├── ModelError            a model or a model file
    │   ├── DataError             a data file or column
    │   ├── OptionError           an option of a call or of the command line
    │   ├── OutputError           a path that cannot be written
    │   └── RowError              a row offered to the function table
    ├── UnsupportedError          no row in the function table (exit code 3)
    └── DivergenceError           training left the finite numbers (exit code 1)

    SymdiffWarning                something is done otherwise than asked, with the same results
    └── NativeWarning             method "native" runs on the tape machine

Each message is one line: what was given, where, what is allowed, what to do.
"""


class SymdiffError(Exception):
    """Base of all errors raised by symdiff and compare.

    >>> try:
    ...     raise ParseError("'x +' ends too early at column 4; complete the sum")
    ... except SymdiffError as error:
    ...     print(error.exit_code, error)
    2 'x +' ends too early at column 4; complete the sum
    """

    exit_code = 1


class InputError(SymdiffError, ValueError):
    """What was given cannot be used."""

    exit_code = 2


class ParseError(InputError):
    """A formula text cannot be read."""


class SymbolError(InputError):
    """A symbol is unknown, has no value, or a name is ambiguous."""


class ShapeError(InputError):
    """A matrix or an array has a shape that does not fit, or an index leaves its range."""


class ModelError(InputError):
    """A model or a model file is malformed."""


class DataError(InputError):
    """A data file or column is malformed."""


class OptionError(InputError):
    """An option of a call or of the command line has a value that is not allowed."""


class OutputError(InputError):
    """A file cannot be written."""


class RowError(InputError):
    """A row offered to the function table is incomplete, or its forms contradict each other."""


class UnsupportedError(SymdiffError, ValueError):
    """An expression holds a node for which the function table has no row."""

    exit_code = 3


class DivergenceError(SymdiffError, ArithmeticError):
    """Training left the finite numbers."""


class SymdiffWarning(UserWarning):
    """Base of all warnings: something is done otherwise than asked, with the same results."""


class NativeWarning(SymdiffWarning):
    """Method "native" cannot be had, and the tape machine takes its place."""
