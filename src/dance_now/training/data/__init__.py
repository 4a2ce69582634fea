"""Training data loading: data set reader, sample cache, random crops, pose augmentation."""
