"""Prints what an interpreter is: its version, whether it can make environments, and where it is itself.

Any Python 3 that is on a machine is asked, so only what every one of them understands is used.
"""

import importlib.util
import sys

major, minor, patch = sys.version_info[:3]
makes_environments = all(importlib.util.find_spec(name) for name in ("ensurepip", "venv"))
print(major, minor, patch, int(makes_environments))
# Of an environment's interpreter: the one that it was made by.
print(getattr(sys, "_base_executable", None) or sys.executable)
