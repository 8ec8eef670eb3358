"""The figures: each bench measures both sides in one run, prints ratios, and says which limits it holds them against."""
