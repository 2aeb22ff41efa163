"""Modules that are put off, under threads and when they fail.

Of the modules that a measure is for only their names count here: each is a small one that does what the test needs.
"""

from conftest import Service

FIRST = ["diet", "diet_imports"]


def test_two_threads_that_import_in_opposite_orders_do_not_wait_for_each_other(litellm: Service) -> None:
    files = {
        "boto3.py": "import meeting\nmeeting.meet()\nimport both\nfirst = 'first'\nlast = both.value\n",
        "soundfile.py": "value = 'sound'\n",
        "both.py": "import meeting, soundfile\nmeeting.meet()\nvalue = soundfile.value\n",
        "meeting.py": "import threading\nbarrier = threading.Barrier(2)\ndef meet(): barrier.wait(60)\n",
    }

    # One executes boto3, which imports `both`; the other imports `both`, which has soundfile executed.
    def start() -> None:
        import os
        import threading

        import boto3
        import soundfile  # noqa: F401

        said = {}

        def run(ask):
            try:
                said[ask] = ask()
            except BaseException as error:  # noqa: BLE001 - a deadlock that was seen, say
                said[ask] = repr(error)

        def first():
            return boto3.last

        def second():
            import both

            return both.value

        threads = [threading.Thread(target=run, args=(ask,), daemon=True) for ask in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        print(said.get(first), said.get(second), flush=True)
        os._exit(0)  # without waiting for those that wait for each other

    assert litellm.run(start, first=FIRST, measures="lazy_modules lazy_audio", files=files) == "sound sound\n"


def test_who_asks_while_another_thread_executes_a_module_gets_the_whole(litellm: Service) -> None:
    files = {
        "boto3.py": "import events\nvalue = 'half'\nevents.begun.set()\nevents.go.wait(60)\nvalue = 'whole'\n",
        "events.py": "import threading\nbegun, go = threading.Event(), threading.Event()\n",
    }

    def start() -> None:
        import sys
        import threading

        import boto3
        import events

        said = []
        one = threading.Thread(target=lambda: hasattr(boto3, "another"))
        one.start()
        events.begun.wait(60)
        # It asks for what is already there; it is let go when it waits, or has not waited at all.
        two = threading.Thread(target=lambda: said.append(boto3.value))
        two.start()
        two.join(0.2)
        events.go.set()
        one.join(60)
        two.join(60)
        print(said, type(boto3) is type(sys))

    assert litellm.run(start, first=FIRST, measures="lazy_modules", files=files) == "['whole'] True\n"


def test_a_module_that_fails_leaves_no_half_of_it(litellm: Service) -> None:
    text = "import os\nhalf = 1\nif not os.path.exists('there'): raise OSError('not now')\nvalue = 'whole'\n"

    def start() -> None:
        from pathlib import Path

        import boto3

        for _ in range(2):
            try:
                print(boto3.value)
            except OSError as error:
                print(error)
        Path("there").touch()
        print(boto3.value, boto3.half, boto3.__name__)

    said = litellm.run(start, first=FIRST, measures="lazy_modules", files={"boto3.py": text})
    assert said == "not now\nnot now\nwhole 1 boto3\n"


def test_a_module_of_a_package_comes_after_the_package(service: Service) -> None:
    def start() -> None:
        import boto3

        print("later")
        import boto3.session

        assert boto3.session.Session is boto3.Session

    package, module = "boto3/__init__.py", "boto3/session.py"
    said = service.run(start, first=FIRST, measures="lazy_modules", watch=[package, module])
    assert said == f"later\nexecuted {package}\nexecuted {module}\n"
