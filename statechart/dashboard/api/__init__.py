"""The API of a dashboard: the documents of `--json` over HTTP, and their description."""
