"""Text to text without identities, and back."""
