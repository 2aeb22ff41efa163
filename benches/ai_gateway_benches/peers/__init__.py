"""The supervisors that are compared, all behind the same class, and the small service that they all run.

The peers are packages of Debian, which are unpacked into a folder and never installed: some of them would want
to be this machine's init. `catalog` lists them, and `supervisors` makes those of a run.
"""
