"""Forms of the rows of the function table: in NumPy, in JAX and in balls, and SymPy classes of functions it lacks."""
