"""A request whose answer we read on its way: LiteLLM compresses what a client says it can unpack."""


def uncompressed(scope):
    headers = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
    return {**scope, "headers": headers}
