"""uvloop's event loop, which takes all the connections that wait instead of one in each turn.

libuv accepts one connection and goes on with the rest of the turn, for the sake of servers of several
processes that share a socket (libuv 1.45). LiteLLM works on every request in its one thread: with
64 chats under way a turn takes up to 40 ms, and the last of 64 new connections would wait for 64 of
them. asyncio's own loop accepts all, and is slower at everything else.
"""

import asyncio
import socket

import diet
import gateway_writes

try:
    from uvloop import Loop as Base
except ImportError:
    from asyncio import SelectorEventLoop as Base

# What the kernel cannot give now, it may give later: as long as asyncio waits.
AGAIN_SECONDS = 1
# Of the connections that wait; what is open is answered before more is taken.
AT_ONCE = 128


class Server(asyncio.AbstractServer):
    """A listening socket, from its making until `close`."""

    def __init__(self, loop, listening, protocol_factory):
        self.loop = loop
        self.sockets = [listening]
        self.protocol_factory = protocol_factory
        self.again = None
        loop.add_reader(listening.fileno(), self.accept)

    def accept(self):
        [listening] = self.sockets
        for _ in range(AT_ONCE):
            try:
                connection, _address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self.pause(error)
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            self.loop.create_task(self.serve(connection))

    async def serve(self, connection):
        try:
            await self.loop.connect_accepted_socket(self.protocol, connection)
        except OSError:  # gone before it was served
            connection.close()

    def protocol(self):
        protocol = self.protocol_factory()
        if "few_writes" in diet.MEASURES:

            def made(transport):
                del protocol.connection_made
                protocol.connection_made(gateway_writes.Transport(self.loop, transport))

            protocol.connection_made = made
        return protocol

    def pause(self, error):
        print(f"WARNING: no connection can be taken for {AGAIN_SECONDS} s: {error}", flush=True)
        [listening] = self.sockets
        self.loop.remove_reader(listening.fileno())
        self.again = self.loop.call_later(AGAIN_SECONDS, self.loop.add_reader, listening.fileno(), self.accept)

    def close(self):
        if self.again is not None:
            self.again.cancel()
        for listening in self.sockets:
            self.loop.remove_reader(listening.fileno())
            listening.close()
        self.sockets = []

    async def wait_closed(self):
        """Connections are uvicorn's own business, which it ends before it asks."""

    def is_serving(self):
        return bool(self.sockets)

    def get_loop(self):
        return self.loop


class Loop(Base):
    async def create_server(self, protocol_factory, host=None, port=None, **options):
        backlog = options.pop("backlog", 100)
        if host is None or any(value is not None for value in options.values()):
            return await super().create_server(protocol_factory, host, port, backlog=backlog, **options)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=backlog)
        listening.setblocking(False)
        return Server(self, listening, protocol_factory)
