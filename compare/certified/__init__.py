"""The referee: ball arithmetic along the graph, one-sided slopes at kinks."""
