"""What may leave: route, prompt, model client, output checks; answer.py is the whole flow."""
