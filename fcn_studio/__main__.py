"""`python -m fcn_studio`: the same program as the console script."""

from __future__ import annotations

from fcn_studio.cli.main import main

if __name__ == "__main__":
    main()
