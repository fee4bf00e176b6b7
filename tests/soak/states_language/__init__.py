"""An interpreter of the Amazon States Language with a simulated clock."""
