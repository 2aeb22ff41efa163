"""How much memory each service needs at most.

`guests` measures it, and `measured` is about the file that it goes into. The command is
`benches/working-sets`.
"""
