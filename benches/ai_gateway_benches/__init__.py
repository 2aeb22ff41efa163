"""The benchmarks of the gateway: what it costs, beside what others cost in the same run.

Each folder is a room with one subject. `commands` is what people start, by the scripts in `benches/`; the
other rooms never import it.

- `commands`: reads the command line, asks the rooms below, and prints and keeps what they say.
- `supervisor`: what our supervisor costs, beside other supervisors: restarts, many services, log lines.
- `peers`: those supervisors, each behind the same class: how it is started with services, and ended.
- `stack`: what the four real services cost under the gateway, beside the same programs without it.
- `diet`: what each measure of the diet saves, by two copies of a service at the same time.
- `working_sets`: how much memory each service needs at most, in machines that are booted for it.
- `report`: figures become tables, pages and verdicts on targets. Almost all of it is pure.
- `common`: processes, ports, programs that are built, and packages of Debian's that are unpacked.

Imports go in one direction: from `commands` to `supervisor`, `stack`, `diet` and `working_sets`, which are not
about each other (only `diet` takes its gateway from `stack`), and from these to `peers`, `report` and `common`.
tests/test_rooms.py has the list and holds the package to it.
"""
