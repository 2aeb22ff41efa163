//! What our modules do to LiteLLM and its parts, with stand-ins of the least that they touch; the real ones
//! are in tests/stack.

use crate::services::diet;

/// What the modules that change the client need of ours.
const DATABASE_CLIENT: (&str, &str) = (
    "database_client.py",
    include_str!("../../stack/litellm/database_client.py"),
);

const CLIENT: &str = "\
from datetime import timedelta
class Prisma:
    def __init__(self, *, connect_timeout: int | timedelta = timedelta(seconds=10)):
        self.connect_timeout = connect_timeout
";

fn wait_of(client: &str) -> String {
    let files = [
        ("prisma.py", client),
        DATABASE_CLIENT,
        (
            "engine_patience.py",
            include_str!("../../stack/litellm/engine_patience.py"),
        ),
    ];
    let script = "\
import engine_patience, prisma
engine_patience.have(prisma.Prisma)
print(prisma.Prisma().connect_timeout)";
    diet::tests::run(&files, "", script)
}

#[test]
fn a_slow_engine_is_waited_for() {
    assert_eq!(wait_of(CLIENT), "0:01:30\n");
}

#[test]
fn another_database_client_is_left_as_it_is_with_a_warning() {
    let other = CLIENT.replace("timedelta(seconds=10)", "10");
    let said = wait_of(&other);
    assert!(said.starts_with("WARNING: the database client"), "{said}");
    assert!(said.ends_with("\n10\n"), "{said}");
}

/// An engine whose start takes a minute, by the process that it is given.
fn start_of_an_engine(program: &str, then: &str) -> String {
    let files = [
        DATABASE_CLIENT,
        (
            "engine_patience.py",
            include_str!("../../stack/litellm/engine_patience.py"),
        ),
    ];
    let script = format!(
        "\
import asyncio, engine_patience, subprocess

class Engine:
    async def spawn(self, file, timeout):
        self.process = subprocess.Popen(file)
        await asyncio.sleep(timeout)

async def main():
    engine = Engine()
    start = asyncio.ensure_future(engine.spawn({program}, timeout=60))
    {then}

engine_patience.watch(Engine)
asyncio.run(main())"
    );
    diet::tests::run(&files, "", &script)
}

#[test]
fn an_engine_that_ends_as_it_starts_is_not_waited_for() {
    let said = start_of_an_engine(
        "['sh', '-c', 'exit 3']",
        "print(repr((await asyncio.gather(start, return_exceptions=True))[0]))",
    );
    assert_eq!(
        said,
        "ConnectionError('the query engine ended while it started, with 3')\n"
    );
}

#[test]
fn a_request_that_is_given_up_does_not_end_what_it_began() {
    let files = [
        DATABASE_CLIENT,
        (
            "engine_patience.py",
            include_str!("../../stack/litellm/engine_patience.py"),
        ),
    ];
    let script = "\
import asyncio, engine_patience

class Client:
    async def attempt_db_reconnect(self, reason, force=False):
        await asyncio.sleep(0.1)
        print(reason, force, 'has ended')
        return True

async def main():
    request = asyncio.ensure_future(Client().attempt_db_reconnect('one', force=True))
    await asyncio.sleep(0.05)
    request.cancel()
    print(await Client().attempt_db_reconnect(reason='two'), request.cancelled())

engine_patience.outlive(Client)
asyncio.run(main())";
    assert_eq!(
        diet::tests::run(&files, "", script),
        "one True has ended\ntwo False has ended\nTrue True\n"
    );
}

#[test]
fn each_engine_has_a_socket_and_those_of_dead_ones_go() {
    let files = [
        DATABASE_CLIENT,
        (
            "engine_socket.py",
            include_str!("../../stack/litellm/engine_socket.py"),
        ),
        (
            "httpx.py",
            "def AsyncHTTPTransport(uds, limits): return uds, limits",
        ),
    ];
    let script = "\
import engine_socket, os, socket
from types import SimpleNamespace

class Engine:
    def __init__(self):
        self.session = SimpleNamespace(session_kwargs={'limits': 7})
    def _spawn_process(self, *, file):
        path = os.environ['AI_GATEWAY_ENGINE_SOCKET']
        assert self.session.session_kwargs['transport'] == (path, 7) and not os.path.exists(path)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen()
        return file, path

def there():
    return sorted(name.split('.')[0] for name in os.listdir(engine_socket.FOLDER) if name[1].isdigit())

engine_socket.have(Engine)
first, second, third = Engine(), Engine(), Engine()
assert first._spawn_process(file='f') == first._spawn_process(file='f')
assert 'AI_GATEWAY_ENGINE_SOCKET' not in os.environ
second._spawn_process(file='f')
second.listening.close()
print(there())
third._spawn_process(file='f')
print(there())
engine_socket.FRESH_SECONDS = 0
Engine()._spawn_process(file='f')
print(there())";
    assert_eq!(
        diet::tests::run(&files, "", script),
        "['e1', 'e2']\n['e1', 'e2', 'e3']\n['e1', 'e3', 'e4']\n"
    );
}

#[test]
fn an_engine_that_is_started_in_another_way_has_its_port_with_a_warning() {
    let files = [
        DATABASE_CLIENT,
        (
            "engine_socket.py",
            include_str!("../../stack/litellm/engine_socket.py"),
        ),
    ];
    let said = diet::tests::run(
        &files,
        "",
        "import engine_socket\nengine_socket.have(object)",
    );
    assert!(said.starts_with("WARNING: the database engine"), "{said}");
}

/// The server of an application with a request that takes a moment, as uvicorn has it.
const SERVER: &str = "\
from types import SimpleNamespace
class Server:
    def __init__(self):
        self.servers, self.force_exit = [], False
        self.server_state = SimpleNamespace(connections={'one'}, tasks={'request'})
    async def shutdown(self, sockets=None):
        print('shut down with', len(self.server_state.tasks), 'requests')
";

#[test]
fn who_cannot_be_told_of_a_drain_does_not_end_it() {
    let files = [
        ("uvicorn.py", SERVER),
        (
            "gateway_drain.py",
            include_str!("../../stack/litellm/gateway_drain.py"),
        ),
        // In the place of the file that is told to.
        ("in-flight/full", ""),
    ];
    let script = "\
import asyncio, os
os.environ['NUM_WORKERS'] = '1'
import gateway_drain, uvicorn

async def main():
    server = uvicorn.Server()
    ending = asyncio.ensure_future(server.shutdown())
    await asyncio.sleep(0.3)
    print('waits:', not ending.done())
    server.server_state.tasks.clear()
    server.server_state.connections.clear()
    await ending

asyncio.run(main())";
    assert_eq!(
        diet::tests::run(&files, "", script),
        "waits: True\nshut down with 0 requests\n"
    );
}

#[test]
fn an_engine_that_nobody_waits_for_any_more_is_ended() {
    let said = start_of_an_engine(
        "['sleep', '60']",
        "await asyncio.sleep(0.1)
    start.cancel()
    await asyncio.gather(start, return_exceptions=True)
    print(start.cancelled(), engine.process.returncode)",
    );
    assert_eq!(said, "True -9\n");
}

/// What a client's two modules start with, as programs that print their environment.
fn environments(client: &str) -> String {
    let files = [
        ("client.py", client),
        ("other.py", "import subprocess"),
        DATABASE_CLIENT,
        (
            "engine_environment.py",
            include_str!("../../stack/litellm/engine_environment.py"),
        ),
    ];
    let script = "\
import os, subprocess
os.environ.update(LITELLM_MASTER_KEY='sk-1', DATABASE_URL='db', AI_GATEWAY_INSTANCE='mark')
import client, engine_environment, other
engine_environment.keep(client, other)
SHOW = [os.readlink('/proc/self/exe'), '-c', \"import os; print(*sorted(set(os.environ) & {'LITELLM_MASTER_KEY', 'DATABASE_URL', 'AI_GATEWAY_INSTANCE', 'PRISMA_DML_PATH'}))\"]
started = client.subprocess.Popen(SHOW, env={**os.environ, 'PRISMA_DML_PATH': 'x'}, stdout=client.subprocess.PIPE)
print(started.communicate()[0].decode().strip())
print(other.subprocess.run(SHOW, stdout=subprocess.PIPE, check=True).stdout.decode().strip())
print(subprocess.run(SHOW, stdout=subprocess.PIPE).stdout.decode().strip())";
    diet::tests::run(&files, "", script)
}

#[test]
fn the_engine_gets_what_it_needs_and_everybody_else_what_they_had() {
    assert_eq!(
        environments("import subprocess"),
        "AI_GATEWAY_INSTANCE DATABASE_URL PRISMA_DML_PATH\n\
             AI_GATEWAY_INSTANCE DATABASE_URL\n\
             AI_GATEWAY_INSTANCE DATABASE_URL LITELLM_MASTER_KEY\n"
    );
}

#[test]
fn a_client_that_starts_its_engine_otherwise_is_left_as_it_is_with_a_warning() {
    let said = environments("class subprocess:\n    from subprocess import PIPE, Popen");
    assert!(
        said.starts_with("WARNING: the database client starts"),
        "{said}"
    );
    assert_eq!(said.matches("LITELLM_MASTER_KEY").count(), 3, "{said}");
}
