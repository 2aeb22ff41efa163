"""The supervisors that are compared, each behind the same class, and the small service that all of them run.

The peers are Debian's packages, unpacked into a folder and never installed: some of them would want to be
this machine's init. `catalog` lists them, `supervisors` makes the ones of a run.
"""
