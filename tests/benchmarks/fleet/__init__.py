"""What runs on fleets of 10 to 50,000 instances cost in calls, CPU, memory, time and money: ./scripts/bench."""
