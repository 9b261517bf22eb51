"""symdiff beside its peers: the same expressions, each system in a process of its own, answers compared first."""
