"""Snow White from one's own machine: starting runs, following them to their end, and looking at them.

Standard output carries answers (a report, a table, JSON); everything said on the way goes to standard error.
"""
