"""Works: what is done with each file: dance, pose estimation, training, rendering."""
