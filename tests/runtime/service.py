"""What services of these tests do that a shell cannot: see scenarios.rs and sockets.rs, which name one and
its port, if it has one.

answers, answers-now-and-then: HTTP, until SIGUSR1 makes it hang
listens: at a port, and never takes a connection
held: answers each connection to the socket that it was given with its process's number
activated: knows sd_listen_fds(3); answers each connection with its process's number, the socket's place and
  name, and whether the socket blocks, and at SIGTERM finishes what it has accepted
notifies: says by NOTIFY_SOCKET that it is ready, after it said something else
milestones: prints two milestones as the diet leaves them
"""

import http.server
import os
import select
import signal
import socket
import sys
import threading
import time


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class AnswersNowAndThen(Answers):
    """Has an answer to every other question, and from the seventh on a bad one."""

    asked = 0

    def do_GET(self):
        kind = AnswersNowAndThen
        kind.asked += 1
        if kind.asked < 7 and kind.asked % 2:
            threading.Event().wait()
        self.send_response(200 if kind.asked < 7 else 500)
        self.end_headers()


def serve(handler, port):
    signal.signal(signal.SIGUSR1, lambda *_: threading.Event().wait())
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), handler).serve_forever()


def listens(port):
    with socket.create_server(("127.0.0.1", int(port))):
        time.sleep(1000)


def held():
    given = socket.socket(fileno=3)
    given.setblocking(True)
    while True:
        connection, _ = given.accept()
        connection.sendall(str(os.getpid()).encode())
        connection.close()


def activated():
    if os.environ["LISTEN_PID"] != str(os.getpid()):
        raise SystemExit("these sockets are for " + os.environ["LISTEN_PID"])
    names = os.environ["LISTEN_FDNAMES"].split(":")
    given = [socket.socket(fileno=3 + place) for place in range(int(os.environ["LISTEN_FDS"]))]
    blocking = [os.get_blocking(each.fileno()) for each in given]
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGTERM, lambda *_: None)
    while True:
        ready, _, _ = select.select([*given, woken], [], [])
        if woken in ready:
            raise SystemExit(0)
        for each in ready:
            place = given.index(each)
            client, _ = each.accept()
            client.sendall(f"{os.getpid()} {place} {names[place]} {blocking[place]}".encode())
            client.close()


def notifies():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        for message in (b"STATUS=soon", b"STATUS=done\nREADY=1\n"):
            manager.sendto(message, os.environ["NOTIFY_SOCKET"])


def milestones():
    print(time.monotonic_ns(), time.monotonic_ns())


WHAT = {
    "answers": lambda port: serve(Answers, port),
    "answers-now-and-then": lambda port: serve(AnswersNowAndThen, port),
    "listens": listens,
    "held": held,
    "activated": activated,
    "notifies": notifies,
    "milestones": milestones,
}
WHAT[sys.argv[1]](*sys.argv[2:])
