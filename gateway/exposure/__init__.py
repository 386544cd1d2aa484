"""What the research measured, for this home: what devices were given, whom they reached, and how they went round us."""
