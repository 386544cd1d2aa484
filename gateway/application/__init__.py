"""What a box does with all the rooms below. Each part is a module that registers what it brings."""
