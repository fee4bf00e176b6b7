"""The Snow White command line: start runs, follow them until they end, and list them.

Standard output carries results (a report, a table, JSON); progress and errors go to standard error.
"""
