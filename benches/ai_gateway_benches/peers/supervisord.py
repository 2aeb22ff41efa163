"""supervisord has a program in its configuration for each service."""

from pathlib import Path

from .tree import LOG_BYTES, Launch, Supervisor


class Supervisord(Supervisor):
    name = "supervisord"
    slow = True

    def prepare(self, count: int, logged: bool) -> Launch:
        config = self.folder / "config"
        config.write_text(configuration(self.folder, self.programs.service, count, logged))
        packages = self.unpacked("usr/lib/python3/dist-packages")
        command: list[str | Path] = ["/usr/bin/python3", self.unpacked("usr/bin/supervisord"), "-c", config]
        return command, {"PYTHONPATH": packages}


def configuration(folder: Path, service: Path, count: int, logged: bool) -> str:
    parts = [f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={folder}/pid\nminfds=8192"]
    for number in range(1, count + 1):
        log = folder / f"s{number}.log" if logged else "NONE"
        parts.append(
            f"[program:s{number}]\ncommand={service}\nautorestart=true\nstartsecs=0\n"
            f"stdout_logfile={log}\nstdout_logfile_maxbytes={LOG_BYTES}\n"
            "stdout_logfile_backups=1\nstderr_logfile=NONE"
        )
    return "\n".join(parts) + "\n"
