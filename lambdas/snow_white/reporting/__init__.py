"""The report of a run: building it, advice for each verdict, errors in words, and the event."""
