"""``python -m discresorb``."""

from discresorb.cli import main

main()
