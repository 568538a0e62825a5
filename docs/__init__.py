"""The documents, and the program that writes those of docs/reference from the code."""
