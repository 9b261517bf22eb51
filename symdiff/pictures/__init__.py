"""What a picture of a graph is made of. `symdiff.pictures.drawing` is the entrance."""
