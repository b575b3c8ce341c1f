"""The ledger of record: a git repository of Beancount folders, read at one commit into typed transactions."""
