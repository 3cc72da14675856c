"""The leaderboard: runs compared, with their uncertainty, beside the floors of the suite."""
