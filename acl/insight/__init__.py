"""What a policy means: why, for whom, since when, and what a change would do."""
