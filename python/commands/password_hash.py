"""Prints the hash that Open WebUI has of the password on standard input."""

import sys

import bcrypt

print(bcrypt.hashpw(sys.stdin.buffer.read(), bcrypt.gensalt()).decode())
