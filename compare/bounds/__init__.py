"""Running bounds on the rounding errors of each route."""
