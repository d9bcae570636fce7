"""`python -m visrec` is the same as `visrec`."""

from visrec.cli.main import run

run()
