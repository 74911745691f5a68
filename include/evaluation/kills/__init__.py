"""Kill processes at named points of their work: the next run has to end as if nothing were."""
