"""`python -m service.cli` is `rongqiao`."""

from service.cli import main

main()
