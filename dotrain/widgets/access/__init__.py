"""The tab that says who may enter a cluster, and changes it."""
