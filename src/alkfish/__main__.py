"""Run the command line as ``python -m alkfish``."""

from alkfish.cli import main

if __name__ == "__main__":
    main()
