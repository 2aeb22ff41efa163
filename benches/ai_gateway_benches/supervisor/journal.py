"""A journal that reads and forgets, and our supervisor with such a journal. The part `logs` uses it."""

import socket
import threading
from pathlib import Path

from ..peers.ours import Ours


class OursToJournal(Ours):
    """Our supervisor as a unit of systemd: its services write to the journal themselves."""

    name = "ai-gateway, journal"

    def journal(self) -> str:
        place = self.folder / "journal"
        listen(place)
        return str(place)


def listen(place: Path) -> None:
    """Takes whatever comes, in threads that end with this process."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    listener.listen(8)
    threading.Thread(target=accept, args=[listener], daemon=True).start()


def accept(listener: socket.socket) -> None:
    while True:
        threading.Thread(target=drain, args=[listener.accept()[0]], daemon=True).start()


def drain(stream: socket.socket) -> None:
    while stream.recv(1 << 18):
        pass
