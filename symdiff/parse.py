"""The former name of `symdiff.parsing`."""

from symdiff.parsing import parse, symbols

__all__ = ["parse", "symbols"]
