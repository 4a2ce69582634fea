"""Multi-object tracking of people: assignment, re-identification, instance masks, choice of a person."""
