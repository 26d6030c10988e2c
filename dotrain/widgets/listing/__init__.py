"""The clusters of an account, in a widget."""
