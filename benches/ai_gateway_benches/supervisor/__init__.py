"""The parts of `benches/run` that measure the supervisor, without the four real services.

`restart`, `idle`, `logs` and `guest` are the parts. In each, `ABOUT` is what the page says of the part, and
`run` gives its figures one after the other.
"""
