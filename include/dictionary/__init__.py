"""docs/domain.md: what each column of each mart means, written from the code."""
