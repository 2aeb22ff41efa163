"""Takes one connection at each socket that it was given by the protocol of sd_listen_fds(3), and answers with the
number of the socket's descriptor.
"""

import os
import socket

assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ
for number in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    listener = socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM)
    client, _ = listener.accept()
    client.sendall(str(number).encode())
    client.close()
