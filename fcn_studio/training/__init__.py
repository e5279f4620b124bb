"""Training: recipes, samples and crops, losses, the loop, run folders, better or rollback."""
