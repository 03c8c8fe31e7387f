"""`python -m conductor_core.cli` is `conductor`."""

from conductor_core.cli.program import main

if __name__ == "__main__":
    main()
