"""The parts of `benches/run` that measure the four real services, and the stacks that they measure.

`memory`, `start` and `throughput` are the parts. In each, `ABOUT` is what the page says of the part, and `run`
gives its figures. `gateway` has a stack under our gateway, and `stock` one without it; both are a
`contract.Stack`.
"""
