"""The Pulumi CLI: get it, run it, follow its events, mind its locks."""
