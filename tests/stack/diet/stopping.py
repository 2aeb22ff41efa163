"""Which tasks a stop of LiteLLM waits for: those by which a cost gets into the queues, and no others.

Argument: our modules' folder.
"""

import asyncio
import functools
import inspect
import sys

sys.path.insert(0, sys.argv[1])
import gateway_app
from litellm.proxy.db.db_spend_update_writer import DBSpendUpdateWriter

writer = DBSpendUpdateWriter()
# LiteLLM's own, as it runs where there is no journal of spend, which counts what it records itself.
begin = inspect.unwrap(DBSpendUpdateWriter._batch_database_updates)
# Whatever they are called with: they do not come to begin.
nothing = dict.fromkeys(list(begin.__code__.co_varnames[1 : begin.__code__.co_argcount + begin.__code__.co_kwonlyargcount]))


async def main():
    counted = asyncio.create_task(begin(writer, **nothing), name="any")
    others = [
        asyncio.create_task(asyncio.sleep(60), name="_batch_database_updates"),
        asyncio.create_task(functools.partial(asyncio.sleep, 60)()),
    ]
    print([task.get_name() for task in gateway_app.updates_under_way()])
    for task in (counted, *others):
        task.cancel()
    await asyncio.gather(counted, *others, return_exceptions=True)


asyncio.run(main())
