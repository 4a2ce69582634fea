"""From an avatar and motions to a training data set."""
