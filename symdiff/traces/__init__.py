"""What a trace is made of. `symdiff.tracing` is the entrance."""
