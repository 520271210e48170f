"""Make charts of documents: SCXML, and JSON or YAML like XState's."""
