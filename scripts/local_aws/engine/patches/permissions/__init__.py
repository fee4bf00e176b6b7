"""Who may do what: IAM, the secrets that it guards, and what CloudTrail records of callers."""
