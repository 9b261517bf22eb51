"""A claimed derivative in matrices and indexed arrays, judged entry by entry. `claim` is the entrance."""
