"""The words of Telltale: frozen values without I/O and without a clock. Standard library only."""
