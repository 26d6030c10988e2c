"""The form that makes a cluster."""
