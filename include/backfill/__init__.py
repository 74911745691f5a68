"""Backfills: what may be asked for, what it would touch, and what became of it."""
