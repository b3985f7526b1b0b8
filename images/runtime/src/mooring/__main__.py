"""`python -m mooring`, where the script `mooring` is not on the path."""

from mooring.main import main

main()
