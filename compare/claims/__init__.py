"""Somebody's hand-derived gradient, judged. `claims.claim` is the entrance."""
