"""Matrices, indexed arrays and sums over data: operations of the graph that are not elementwise."""
