"""The tape run by a compiled C loop through `jax.ffi`: built once, from the function table, and kept in a cache."""
