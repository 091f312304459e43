"""`python -m internvl`: the command line where the `internvl` script is not on the path."""

from __future__ import annotations

from internvl.cli.main import main

if __name__ == "__main__":
    main()
