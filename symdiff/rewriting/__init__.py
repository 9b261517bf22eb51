"""Unstable forms and seams recognised in the graph, and what is computed instead."""
