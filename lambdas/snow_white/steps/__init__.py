"""The work of the state machine's steps: discover, dispatch, poll, and cleaning up."""
