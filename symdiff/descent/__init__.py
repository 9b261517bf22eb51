"""What a training run is made of. `symdiff.training` is the entrance."""
