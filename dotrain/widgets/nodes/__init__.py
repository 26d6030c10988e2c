"""The tab that changes a cluster's nodes."""
