"""The API of the dashboard: the documents of `--json` over HTTP."""
