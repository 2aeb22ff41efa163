"""The parts of `benches/run` that measure the supervisor, without the four real services.

Each module is one part: `ABOUT` is what the page says of it, and `run` gives its figures one after the other.
"""
