"""Formula text to SymPy and back: names, sizes, the order of reading. `symdiff.parsing` is the entrance."""
