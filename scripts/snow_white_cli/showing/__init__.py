"""What a person sees of runs: headlines, progress, results, lists."""
