"""Composition roots: the only modules that know everybody, each the main of one process."""
