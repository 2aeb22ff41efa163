"""A connection's transport that lets pieces of a stream leave together where they are ready together.

uvicorn writes each piece by itself, which is a system call here, one more in nginx and two in
whoever reads, with each of them waking the next. A provider's answer often comes in bursts, and a
model with a ready answer gives it all in one turn of the event loop.

The first piece of a turn leaves at once, so whatever comes one by one does not wait. What follows in
the same turn is held until there is much of it, or something that is no piece comes, as the end of an
answer, or the loop takes its next turn. The head of an answer is held for what it is the head of.
"""

MOST = 16
# Where uvloop would have uvicorn wait for whoever reads.
MOST_BYTES = 64 * 1024
# How uvicorn writes an event of a stream, the head of an answer, and what only looks like one.
EVENT = b"\n\n\r\n"
HEAD = b"HTTP/1.1 "
NO_ANSWER = b"HTTP/1.1 1"


class Transport:
    """Uvicorn's, in front of the event loop's own."""

    def __init__(self, loop, transport):
        self.loop = loop
        self.transport = transport
        self.held, self.size = [], 0
        self.left = False  # something in this turn
        self.ends = False  # this turn, as far as is known here
        # Asked for with each request.
        self.get_extra_info, self.is_closing = transport.get_extra_info, transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def __getattr__(self, name):
        return getattr(self.transport, name)

    def write(self, data):
        if type(data) is not bytes:
            data = bytes(data)
        self.held.append(data)
        self.size += len(data)
        if not self.may_wait(data):
            self.let_go()
            self.left = True
        if not self.ends:
            self.ends = True
            self.loop.call_soon(self.end_turn)

    def may_wait(self, data):
        if len(self.held) >= MOST or self.size >= MOST_BYTES:
            return False
        if data.startswith(HEAD):
            return not data.startswith(NO_ANSWER)
        return self.left and data.endswith(EVENT)

    def end_turn(self):
        self.left = self.ends = False
        self.let_go()

    def let_go(self):
        if self.held:
            together, self.held, self.size = b"".join(self.held), [], 0
            if not self.transport.is_closing():
                self.transport.write(together)

    def writelines(self, pieces):
        self.write(b"".join(pieces))

    def write_eof(self):
        self.let_go()
        self.transport.write_eof()

    def close(self):
        self.let_go()
        self.transport.close()

    def get_write_buffer_size(self):
        return self.size + self.transport.get_write_buffer_size()
