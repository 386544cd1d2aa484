"""Everything that is stored: the only room that speaks SQL."""
