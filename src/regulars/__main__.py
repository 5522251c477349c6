"""`python -m regulars` is the same as `regulars`."""

from regulars.cli import main

main()
