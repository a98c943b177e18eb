"""The command line: one file a `lab` command."""
