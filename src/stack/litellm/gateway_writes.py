"""A connection's transport that lets pieces of a stream leave together where they are ready together.

uvicorn writes each piece by itself, which is a system call here, one more in nginx and two in
whoever reads, with each of them waking the next. A provider's answer often comes in bursts, and a
model with a ready answer gives it all in one turn of the event loop.

The first piece of a turn leaves at once, so whatever comes one by one does not wait. What follows in
the same turn is held until there are `MOST`, or something that is no piece comes, as the end of an
answer, or the turn ends.
"""

MOST = 16
# How uvicorn writes an event of a stream and the head of an answer.
EVENT = b"\n\n\r\n"
HEAD = b"HTTP/1.1 "


class Transport:
    """Uvicorn's, in front of the event loop's own."""

    def __init__(self, loop, transport):
        self.loop = loop
        self.transport = transport
        self.held = []
        self.left = False  # something in this turn
        self.ends = False  # this turn, as far as is known here
        # Asked for with each request.
        self.get_extra_info, self.is_closing = transport.get_extra_info, transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def __getattr__(self, name):
        return getattr(self.transport, name)

    def write(self, data):
        self.held.append(data)
        if not self.may_wait(data):
            self.let_go()
            self.left = True
        if not self.ends:
            self.ends = True
            self.loop.call_soon(self.end_turn)

    def may_wait(self, data):
        if data.startswith(HEAD):
            return True
        return self.left and data.endswith(EVENT) and len(self.held) < MOST

    def end_turn(self):
        self.left = self.ends = False
        self.let_go()

    def let_go(self):
        if self.held:
            together, self.held = b"".join(self.held), []
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
        return sum(map(len, self.held)) + self.transport.get_write_buffer_size()
