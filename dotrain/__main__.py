"""``python -m dotrain`` is ``dotrain``."""

from dotrain.cli import main

if __name__ == "__main__":
    main(prog_name="dotrain")
