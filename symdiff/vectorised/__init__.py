"""Isomorphic parts of a graph of scalars, found and run as one vector operation each."""
