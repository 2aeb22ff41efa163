"""Our supervisor, which is the daemon without the four real services (`benches/supervise`)."""

from .tree import Launch, Supervisor


class Ours(Supervisor):
    name = "ai-gateway"

    def journal(self) -> str:
        """The path of a journal's socket for the services' lines, or `-` for files."""
        return "-"

    def prepare(self, count: int, logged: bool) -> Launch:
        programs = self.programs
        return [programs.supervise, self.folder, str(count), self.journal(), programs.service], {}
