"""One cluster in tabs, kept up to date."""
