//! Modules that are put off, under threads, and what is said of measures that are skipped.

use super::tests::run;

/// A client that is put off and takes its time, and a module that uses another such client.
const THREADS: &[(&str, &str)] = &[
    (
        "boto3.py",
        "import meeting\nmeeting.meet()\nimport both\nfirst = 'first'\nlast = both.value\n",
    ),
    ("soundfile.py", "value = 'sound'\n"),
    (
        "both.py",
        "import meeting, soundfile\nmeeting.meet()\nvalue = soundfile.value\n",
    ),
    (
        "meeting.py",
        "import threading\nbarrier = threading.Barrier(2)\ndef meet(): barrier.wait(60)\n",
    ),
];

#[test]
fn two_threads_that_import_in_opposite_orders_do_not_wait_for_each_other() {
    // One executes boto3, which imports `both`; the other imports `both`, which has soundfile executed.
    let script = "import diet_imports, boto3, soundfile, threading
from concurrent.futures import ThreadPoolExecutor
def run(ask):
    try: said[ask] = ask()
    except BaseException as error: said[ask] = repr(error)
def first(): return boto3.last
def second():
    import both
    return both.value
said = {}
threads = [threading.Thread(target=run, args=(ask,), daemon=True) for ask in (first, second)]
for thread in threads: thread.start()
for thread in threads: thread.join(20)
print(said.get(first), said.get(second), flush=True)
import os
os._exit(0)";
    let measures = "lazy_modules lazy_audio";
    assert_eq!(run(THREADS, measures, script), "sound sound\n");
}

#[test]
fn who_asks_while_another_thread_executes_a_module_gets_the_whole() {
    let files = [
        (
            "boto3.py",
            "import events\nvalue = 'half'\nevents.begun.set()\nevents.go.wait(60)\nvalue = 'whole'\n",
        ),
        (
            "events.py",
            "import threading\nbegun, go = threading.Event(), threading.Event()\n",
        ),
    ];
    // The second asks for what is already there; it is let go when it waits, or has not waited at all.
    let script = "import diet_imports, boto3, events, threading
said = []
one = threading.Thread(target=lambda: boto3.another if hasattr(boto3, 'another') else None)
one.start()
events.begun.wait(60)
two = threading.Thread(target=lambda: said.append(boto3.value))
two.start()
two.join(0.2)
events.go.set()
one.join(60)
two.join(60)
print(said, type(boto3) is type(sys))";
    assert_eq!(run(&files, "lazy_modules", script), "['whole'] True\n");
}

#[test]
fn a_module_that_fails_leaves_no_half_of_it() {
    let files = [(
        "boto3.py",
        "import os\nhalf = 1\nif not os.path.exists('there'): raise OSError('not now')\nvalue = 'whole'\n",
    )];
    let script = "import os, diet_imports, boto3
os.chdir(sys.argv[1])
for _ in range(2):
    try: boto3.value
    except OSError as error: print(error)
open('there', 'w').close()
print(boto3.value, boto3.half, boto3.__name__)";
    assert_eq!(
        run(&files, "lazy_modules", script),
        "not now\nnot now\nwhole 1 boto3\n"
    );
}

#[test]
fn a_module_of_a_package_comes_after_the_package() {
    let files = [
        ("boto3/__init__.py", "print('package')\n"),
        ("boto3/session.py", "print('module')\n"),
    ];
    let script = "import diet_imports, boto3\nprint('later')\nimport boto3.session";
    let said = run(&files, "lazy_modules", script);
    assert_eq!(said, "later\npackage\nmodule\n");
}

/// What a service would leave, with this on its path.
fn skipped(files: super::tests::Files, measures: &str, before: &str) -> String {
    let script = format!(
        "import asyncio, json, os, diet_imports, diet_models
os.chdir(sys.argv[1])
async def app(scope, receive, send): await send({{'type': 'lifespan.startup.complete'}})
async def send(message): pass
{before}
asyncio.run(diet.watched(app)({{'type': 'lifespan'}}, None, send))
said = json.load(open('diet-skipped.json'))
print(*(entry['measure'] + ': ' + entry['reason'].replace(sys.argv[1], '@') for entry in said), sep='; ')
assert [name for name in os.listdir() if name.startswith('diet-skipped')] == ['diet-skipped.json']
diet.skipped('late', 'later')
print(json.load(open('diet-skipped.json'))[-1])"
    );
    let said = run(files, measures, &script);
    let lines = said.lines().filter(|line| !line.starts_with("WARNING"));
    lines.map(|line| format!("{line}\n")).collect()
}

const LATE: &str = "{'measure': 'late', 'reason': 'later'}\n";

#[test]
fn what_is_skipped_is_left_beside_the_module() {
    assert_eq!(skipped(&[], "", ""), format!("\n{LATE}"));
    let audio = [("soundfile.py", "")];
    assert_eq!(skipped(&audio, "lazy_audio", ""), format!("\n{LATE}"));
    // Not installed any more, laid out in another way, and changed in a way that only shows later.
    let gone = "lazy_audio: there is no module soundfile";
    assert_eq!(skipped(&[], "lazy_audio", ""), format!("{gone}\n{LATE}"));
    let files = [
        ("fastapi/__init__.py", ""),
        ("fastapi/routing.py", ""),
        ("fastapi/_compat/__init__.py", ""),
        ("fastapi/_compat/v2.py", "class ModelField: pass\n"),
    ];
    let said = skipped(&files, "lazy_routes", "import fastapi._compat.v2");
    let other = "lazy_routes: @/fastapi/_compat/v2.py is not laid out as it was";
    assert_eq!(said, format!("{other}\n{LATE}"));
    let files = [
        ("fastapi/__init__.py", ""),
        ("fastapi/routing.py", ""),
        ("fastapi/_compat/__init__.py", ""),
        ("fastapi/_compat/v2.py", FIELDS_ELSEWHERE),
    ];
    let said = skipped(&files, "lazy_routes", "import fastapi._compat.v2");
    assert!(
        said.starts_with("lazy_routes: fastapi._compat.v2 has become another: AttributeError"),
        "{said}"
    );
}

/// With the lines that are looked for, but another class around them.
const FIELDS_ELSEWHERE: &str = "\
class Field:
    def __post_init__(self) -> None:
        with warnings.catch_warnings():
            self._type_adapter: TypeAdapter[Any] = TypeAdapter(
                self.kind)
";
