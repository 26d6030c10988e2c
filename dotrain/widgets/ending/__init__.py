"""The tab that takes a cluster down."""
