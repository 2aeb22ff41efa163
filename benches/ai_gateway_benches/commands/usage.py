"""This turns the documentation of a command into its `--help`. Every command uses it."""

import argparse


def parser_of(documentation: str | None) -> argparse.ArgumentParser:
    """A parser that shows the module's documentation: what the command is for, and then all the rest of it."""
    assert documentation
    title, _, rest = documentation.partition("\n")
    return argparse.ArgumentParser(
        description=title, epilog=rest.strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
