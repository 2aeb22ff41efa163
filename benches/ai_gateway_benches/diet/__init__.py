"""What each measure of the diet saves.

`measures` says which pairs are compared, `comparison` runs two `copies` of the `original` gateway's service
against each other, `savings` and `table` make docs/diet.md of the pairs. `benches/diet` is the command.
"""
