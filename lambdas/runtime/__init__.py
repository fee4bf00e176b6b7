"""What the handlers share of Lambda: settings, AWS clients, the notifier, metrics, and reporting a run's end."""
