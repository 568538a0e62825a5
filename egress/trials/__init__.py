"""What is tried at run time, to see whether a point of an application's gate holds in this installation.

Each trial plants its own invented texts, or asks as people who may not; none changes a document or sends one anywhere.
What it finds are numbers, and a sentence that quotes nothing.
"""
