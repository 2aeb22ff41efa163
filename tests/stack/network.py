"""A network of our own, in which everything that would leave the machine is seen.

Its one way out is a link into nothing, with the default routes and the name server behind it. So a
look-up or a connection is not refused but sent, and the packet is there to be read. Needs root, or
a kernel that lets everybody have namespaces.
"""

import ctypes
import os
import socket
import struct
import subprocess
import tempfile

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, ICMPV6 = 0x0003, 0x0800, 0x86DD, 58
OUT = "out"
NAME_SERVER = "192.0.2.53"

# Neighbours are not asked for (arp off), so that the first packet is the program's own.
SCRIPT = f"""
set -e
ip link set lo up
ip link add {OUT} type veth peer name nowhere
ip link set {OUT} arp off
ip link set nowhere up
ip link set {OUT} up
ip address add 192.0.2.1/24 dev {OUT}
ip route add default via 192.0.2.2 dev {OUT}
if [ -e /proc/sys/net/ipv6 ]; then
  ip -6 address add 2001:db8::1/64 dev {OUT} nodad
  ip -6 route add default via 2001:db8::2 dev {OUT}
fi
mount --make-rprivate /
mount --bind "$1" /etc/resolv.conf
echo ready
cat
"""


class Unavailable(Exception):
    """This machine gives us no network of our own."""


class Network:
    def __init__(self):
        # The address of a packet says which way it went.
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.wire.bind((OUT, ETH_P_ALL))
        self.wire.setblocking(False)
        self.seen = []

    def attempts(self):
        """Everything that was sent so far, as (protocol number, address, port)."""
        while True:
            try:
                packet, (_, ethertype, direction, *_) = self.wire.recvfrom(1 << 16)
            except BlockingIOError:
                return self.seen
            if direction == socket.PACKET_OUTGOING and (where := destination(ethertype, packet)):
                self.seen.append(where)

    def forget(self, attempts):
        for attempt in attempts:
            self.seen.remove(attempt)


def destination(ethertype, packet):
    if ethertype == ETH_P_IP:
        protocol, address = packet[9], socket.inet_ntop(socket.AF_INET, packet[16:20])
        rest = packet[(packet[0] & 15) * 4 :]
    elif ethertype == ETH_P_IPV6:
        protocol, address = packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40])
        rest = packet[40:]
        # The kernel itself looks for routers and tells of its groups, by way of options (0) too.
        if protocol in (0, ICMPV6):
            return None
    else:
        return (ethertype, "not an internet packet", 0)
    has_port = protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
    port = struct.unpack("!H", rest[2:4])[0] if has_port else 0
    if (protocol, port) == (socket.IPPROTO_UDP, 53):
        address += f", about {asked_for(rest[8:])}"
    return (protocol, address, port)


def asked_for(question):
    """The name in a question to a name server (RFC 1035, 4.1)."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels)


def enter():
    """Puts this process and its children to come into such a network. It must not have threads yet."""
    root = os.geteuid() == 0
    kinds = ["--net", "--mount"] if root else ["--map-current-user", "--keep-caps", "--net", "--mount"]
    with tempfile.NamedTemporaryFile("w") as resolv:
        resolv.write(f"nameserver {NAME_SERVER}\n")
        resolv.flush()
        os.chmod(resolv.name, 0o644)
        with subprocess.Popen(
            ["unshare", *kinds, "sh", "-c", SCRIPT, "sh", resolv.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as holder:
            if holder.stdout.readline() != "ready\n":
                raise Unavailable(holder.stderr.read().strip())
            join(holder.pid, ["net", "mnt"] if root else ["user", "net", "mnt"])
    return Network()


def join(pid, names):
    kinds = {"user": CLONE_NEWUSER, "net": CLONE_NEWNET, "mnt": CLONE_NEWNS}
    folder = os.getcwd()
    # Its own idea of "/": who enters a namespace of mounts stands at its top, outside of a chroot.
    root = os.open(f"/proc/{pid}/root", os.O_PATH)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptors = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in names}
    for name, descriptor in descriptors.items():
        if libc.setns(descriptor, kinds[name]) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {name}")
        os.close(descriptor)
    os.chdir(root)
    os.chroot(".")
    os.close(root)
    os.chdir(folder)
