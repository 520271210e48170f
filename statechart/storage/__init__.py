"""Store models in files: a lock, a journal and a document for each name."""
