"""`check` of expressions with matrices, indexed arrays and sums over data, entry by entry."""
