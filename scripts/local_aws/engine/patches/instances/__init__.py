"""What EC2 answers of instances."""
