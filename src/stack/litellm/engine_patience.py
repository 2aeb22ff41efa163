"""Time for the query engine to start.

LiteLLM's database client gives it ten seconds, and LiteLLM ends with the first start that takes
longer. On a small machine the engine starts while everything else does, and may take longer.
"""

from datetime import timedelta

# Well below what a start of LiteLLM takes at most.
PATIENCE = timedelta(seconds=90)


def have_client():
    """The same for LiteLLM's own client, where it has one of this kind."""
    try:
        from prisma import Prisma
    except Exception as error:  # not installed, or not generated: LiteLLM says what it needs of it
        print(f"WARNING: there is no database client to give time to: {error!r}", flush=True)
    else:
        have(Prisma)


def have(client):
    """Lets this class of clients wait for the engine for so long, whoever makes one."""
    defaults = client.__init__.__kwdefaults__ or {}
    if isinstance(defaults.get("connect_timeout"), timedelta):
        defaults["connect_timeout"] = PATIENCE
    else:
        print("WARNING: the database client waits for its engine as long as it likes", flush=True)
