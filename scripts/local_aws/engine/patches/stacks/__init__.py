"""What CloudFormation does with a template."""
