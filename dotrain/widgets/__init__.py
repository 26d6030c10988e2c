"""Forms and panels for notebooks: each mirrors public calls, and whatever it does a cell can do."""
