"""What holds for all tests."""

import signal

from hypothesis import settings

# How long an example takes says something of the machine, which others use too, and nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Whoever starts the tests in the background of a script has made all that they start deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
