"""What the diet does as a service starts, and what it leaves behind for whoever looks at the start."""

from conftest import Service, replaced

FIRST = ["diet", "diet_imports", "diet_models"]


def test_the_collector_is_on_and_what_the_start_made_is_frozen(service: Service) -> None:
    def start() -> None:
        import asyncio
        import gc

        import diet

        def thresholds() -> str:
            # Each version of Python has thresholds of its own to begin with; an interpreter that is isolated has them.
            import subprocess
            import sys

            ask = [sys.executable, "-I", "-c", "import gc; print(gc.get_threshold())"]
            own = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
            return "Python's own" if str(gc.get_threshold()) == own else str(gc.get_threshold())

        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                assert gc.isenabled() and gc.get_freeze_count() == 0
                assert (gc.get_threshold()[1] == 1_000_000) == ("late_gc" in diet.MEASURES)
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": scope["type"]})

        async def send(message):
            print(message["type"], gc.isenabled(), gc.get_freeze_count() > 1000, thresholds())

        watched = diet.watched(app)
        asyncio.run(watched({"type": "lifespan"}, None, send))
        asyncio.run(watched({"type": "http"}, None, send))

    both = ("lifespan.startup.complete", "http")
    assert service.run(start, first=FIRST, measures="late_gc") == "".join(
        f"{name} True True (10000, 20, 20)\n" for name in both
    )
    assert service.run(start, first=FIRST) == "".join(f"{name} True False Python's own\n" for name in both)


def test_a_start_leaves_when_it_had_imported_and_when_it_had_started(service: Service) -> None:
    def start() -> None:
        import asyncio
        import os
        import time
        from pathlib import Path

        import diet

        async def app(scope, receive, send):
            await send({"type": "lifespan.startup.complete"})

        async def send(message):
            # They are there before uvicorn is told, and so before it listens and a probe can pass.
            print(message["type"], *sorted(set(os.listdir()) - before))

        before = set(os.listdir())
        began = time.monotonic_ns()
        asyncio.run(diet.watched(app)({"type": "lifespan"}, None, send))
        imported, started = map(int, Path("start-milestones").read_text().split())
        print(began <= imported <= started <= time.monotonic_ns())

    assert service.run(start, first=FIRST) == "lifespan.startup.complete diet-skipped.json start-milestones\nTrue\n"


def skipped(service: Service, measures: str, imported: str = "", **options) -> list[str]:
    """What a service says of skipped measures that has started with these and imported that module."""

    def start(imported: str) -> None:
        import asyncio
        import importlib
        import json
        import os
        import sys
        from pathlib import Path

        import diet

        async def app(scope, receive, send):
            await send({"type": "lifespan.startup.complete"})

        async def send(message):
            pass

        if imported:
            importlib.import_module(imported)
        asyncio.run(diet.watched(app)({"type": "lifespan"}, None, send))
        for entry in json.loads(Path("diet-skipped.json").read_text()):
            print(f"{entry['measure']}: {entry['reason']}")
        assert [name for name in os.listdir() if name.startswith("diet-skipped")] == ["diet-skipped.json"]
        # From here on at once.
        diet.skipped("late", "later")
        assert json.loads(Path("diet-skipped.json").read_text())[-1] == {"measure": "late", "reason": "later"}
        sys.stdout.flush()

    said = service.run(start, imported, first=FIRST, measures=measures, **options)
    return [line for line in said.splitlines() if not line.startswith("WARNING")]


FIELDS = "fastapi/_compat/v2.py"


def test_what_is_skipped_is_left_beside_the_module(litellm: Service) -> None:
    assert skipped(litellm, "") == []
    assert skipped(litellm, "lazy_audio") == []
    # Not installed any more, laid out in another way, and changed in a way that only shows later.
    assert skipped(litellm, "lazy_audio", only=[]) == ["lazy_audio: there is no module soundfile"]
    other = {FIELDS: replaced("self._type_adapter: TypeAdapter[Any] = ", "self._type_adapter = ")}
    said = skipped(litellm, "lazy_routes", "fastapi._compat.v2", changed=other)
    assert said == [f"lazy_routes: @/{FIELDS} is not laid out as it was"]
    gone = {FIELDS: lambda text: text + "\ndel ModelField.__post_init__\n"}
    [said_later] = skipped(litellm, "lazy_routes", "fastapi._compat.v2", changed=gone)
    assert said_later.startswith("lazy_routes: fastapi._compat.v2 has become another: AttributeError")
