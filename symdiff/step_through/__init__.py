"""What the page of a trace is made of. `symdiff.step_through.page` is the entrance."""
