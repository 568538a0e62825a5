"""A folder in: walk, parse, chunk, index."""
