"""The brakes: what is stopped, how much may be asked and sent, who reads unusually much."""
