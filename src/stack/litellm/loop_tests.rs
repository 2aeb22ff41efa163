//! LiteLLM's event loop, by Python, on asyncio's own: the real stack runs it on uvloop.

use crate::stack::diet::tests::run;

fn python(script: &str) -> String {
    with("", script)
}

fn with(measures: &str, script: &str) -> String {
    let files = [
        ("gateway_loop.py", include_str!("gateway_loop.py")),
        ("gateway_writes.py", include_str!("gateway_writes.py")),
    ];
    let before = "import asyncio, gateway_loop, os, resource, socket
turns, peers = [], []
accept = gateway_loop.Server.accept
def counted(server):
    accept(server)
    turns.append(server)
gateway_loop.Server.accept = counted
class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        peers.append(transport.get_extra_info('peername')[0])
        if len(peers) == 64: everybody.set()
    def data_received(self, data):
        self.transport.write(data)
def connect(server, count):
    return [socket.create_connection(server.sockets[0].getsockname(), 5) for _ in range(count)]
def go(main):
    async def with_server():
        global everybody
        everybody = asyncio.Event()
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(main(await loop.create_server(Echo, '127.0.0.1', 0, backlog=200)), 10)
    with asyncio.Runner(loop_factory=gateway_loop.Loop) as runner:
        runner.run(with_server())
";
    run(&files, measures, &format!("{before}{script}"))
}

#[test]
fn all_connections_that_wait_are_taken_in_one_turn() {
    let script = "async def main(server):
    clients = connect(server, 64)
    await everybody.wait()
    clients[63].sendall(b'hello')
    print(len(turns), set(peers), await asyncio.to_thread(clients[63].recv, 5), server.is_serving())
go(main)";
    assert_eq!(python(script), "1 {'127.0.0.1'} b'hello' True\n");
}

#[test]
fn a_server_that_was_closed_takes_nothing_and_serves_what_it_had() {
    let script = "async def main(server):
    address = server.sockets[0].getsockname()
    clients = connect(server, 64)
    await everybody.wait()
    server.close()
    await server.wait_closed()
    clients[0].sendall(b'still')
    print(await asyncio.to_thread(clients[0].recv, 5), server.is_serving(), server.sockets)
    try: socket.create_connection(address, 5)
    except ConnectionRefusedError: print('refused')
go(main)";
    assert_eq!(python(script), "b'still' False []\nrefused\n");
}

#[test]
fn connections_for_which_there_is_no_descriptor_wait_until_there_is_one() {
    let script = "gateway_loop.AGAIN_SECONDS = 0.01
async def main(server):
    clients = connect(server, 64)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0), hard))
    while not turns: await asyncio.sleep(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await everybody.wait()
    print(len(turns), len(peers))
go(main)";
    let warning = "WARNING: no connection can be taken for 0.01 s: [Errno 24] Too many open files";
    assert_eq!(python(script), format!("{warning}\n2 64\n"));
}

#[test]
fn a_socket_that_workers_share_is_left_to_the_loop_itself() {
    let script = "async def main(server):
    shared = socket.create_server(('127.0.0.1', 0))
    theirs = await asyncio.get_running_loop().create_server(Echo, sock=shared, ssl=None, backlog=7)
    print(type(theirs) is type(server), theirs.sockets[0].getsockname() == shared.getsockname())
    theirs.close()
go(main)";
    assert_eq!(python(script), "False True\n");
}

#[test]
fn a_connection_writes_through_what_holds_pieces_where_that_is_asked_for() {
    let script = "pieces = [b'HTTP/1.1 200 OK\\r\\n\\r\\n'] + [b'3\\r\\na\\n\\n\\r\\n'] * 40 + [b'0\\r\\n\\r\\n']
def answer(self, data):
    for piece in pieces: self.transport.write(piece)
    self.transport.close()
Echo.data_received = answer
async def main(server):
    [client] = connect(server, 1)
    client.sendall(b'hello')
    answered = b''
    while more := await asyncio.to_thread(client.recv, 1000):
        answered += more
    print(answered == b''.join(pieces))
kinds = []
made = Echo.connection_made
Echo.connection_made = lambda self, transport: (kinds.append(type(transport).__module__), made(self, transport))
go(main)
print(*kinds)";
    assert_eq!(with("few_writes", script), "True\ngateway_writes\n");
    assert_eq!(python(script), "True\nasyncio.selector_events\n");
}
