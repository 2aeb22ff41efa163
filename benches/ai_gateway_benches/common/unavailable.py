"""This is how a part says that it cannot be measured here. `benches/run` then skips the part."""


class Unavailable(Exception):
    """What a benchmark needs is not to be had on this machine."""
