"""Large graphs in JAX at a compile time that does not depend on the expression: a machine that reads a tape."""
