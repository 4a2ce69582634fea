"""Sources in, results out: photos, videos, folders."""
