"""Finding out who requested a run, from the request, IAM, Slack and CloudTrail."""
