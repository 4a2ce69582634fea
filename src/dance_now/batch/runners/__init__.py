"""Runners: where jobs are carried out: in this process, in worker processes, or on a Ray cluster."""
