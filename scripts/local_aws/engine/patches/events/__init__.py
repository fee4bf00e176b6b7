"""Where the rules of EventBridge send events."""
