"""Elastic Beanstalk's API, with environments whose EC2 instances are worker hosts."""
