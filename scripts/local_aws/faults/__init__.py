"""Faults on purpose, all off at first: of the calls to AWS, of the hosts and their agents, and of the functions.

`LocalAws.faults` (`client.FaultSwitches`) turns them on from tests and from the demo. The Slack server has its own, in
`local_aws.slack`.
"""
