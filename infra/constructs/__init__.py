"""One construct for each capability of the home stack."""
