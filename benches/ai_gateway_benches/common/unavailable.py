"""How a part says that it cannot be measured here. Parts raise it, and `benches/run` skips the part."""


class Unavailable(Exception):
    """What a benchmark needs is not to be had on this machine."""
