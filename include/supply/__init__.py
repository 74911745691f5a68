"""What this project is made of: locked packages, their known defects, and no secret in a file."""
