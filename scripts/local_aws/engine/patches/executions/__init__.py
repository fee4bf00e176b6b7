"""How Step Functions runs an execution: its states, its history, its end."""
