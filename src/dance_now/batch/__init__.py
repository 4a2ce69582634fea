"""Batch: many files on one machine, a Ray cluster, or shards of a job array; skipped where done."""
