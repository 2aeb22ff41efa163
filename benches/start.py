"""From the command until all four services are ready, ours against the stock way.

In turns. Before each start that is timed there is one that is not, so that what was not used while
others had their turn comes from memory and not from the disk. The stock way is the one of the next
table.
"""

import statistics

import stock

STARTS = 4


def run(bench):
    stacks = stock.beside(bench)
    seconds = {stack.name: [] for stack in stacks}
    for _ in range(1 if bench.options.quick else STARTS):
        for stack in stacks:
            stack.start()
            stack.stop()
            seconds[stack.name].append(stack.start())
            stack.stop()
    for what, of in (("median", statistics.median), ("shortest", min), ("longest", max)):
        for who, all_of_them in seconds.items():
            yield f"start → all four are ready, {what}", who, of(all_of_them), "s"
