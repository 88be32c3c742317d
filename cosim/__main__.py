"""cosim: the command line. Also ``python -m cosim``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line.

    A user's mistake is one line on standard error and exit status 2; a disk that cannot be written to, or memory that
    runs out, one with 1.
    """
    from cosim import libraries  # noqa: PLC0415 - so that importing this module costs nothing

    libraries.load("cosim.commands")
    from cosim.commands import application  # noqa: PLC0415
    from cosim.scenario.errors import ScenarioError  # noqa: PLC0415
    from cosim.telling import machine_trouble, warn_plainly  # noqa: PLC0415

    warn_plainly()
    sys.path.append("")  # a scenario may name parts of the user's own, in the current folder; last, to replace nothing
    try:
        application()
    except ScenarioError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one line
        sys.exit(2)
    except Exception as error:
        trouble = machine_trouble(error)
        if trouble is None:
            raise
        print(f"{trouble}; what is finished is kept", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
