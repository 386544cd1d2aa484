"""Rules, and what is in force: deciding, and nothing else."""
