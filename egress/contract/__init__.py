"""What is agreed with whom, as data with a history: providers, applications, the matrix; and what follows from it."""
