"""Benchmarks: `python -m compare.benchmarks [--only NAME] [--json FILE]`, by hand; figures are kept in `results.md`.

Every figure is a ratio of two things timed in turn in one run, after a warm-up, with the median and the spread; results
of JAX are waited for. Peers that are not installed are left out.
"""
