"""What several commands share: options and lines of batches, and the report of a run."""
