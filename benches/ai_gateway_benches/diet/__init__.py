"""What each measure of the diet saves.

`measures` says which pairs are compared. `comparison` starts two `copies` of a service of the `original`
gateway and compares them. `savings` and `table` make docs/diet.md of the pairs. The command is
`benches/diet`.
"""
