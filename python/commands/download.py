"""Fetches a file. The address comes by standard input because it may hold a password.

Argument: where the file is to be. By a Python, which honours proxies and certificates as pip does.
"""

import shutil
import sys
import urllib.request

address = sys.stdin.readline().strip()
with urllib.request.urlopen(address, timeout=60) as answer, open(sys.argv[1], "wb") as file:
    shutil.copyfileobj(answer, file)
