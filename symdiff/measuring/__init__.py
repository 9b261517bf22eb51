"""How far the rows of the function table are from the truth, by each route."""
