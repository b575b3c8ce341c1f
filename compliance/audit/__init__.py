"""Who changed what: rows that triggers write in the transaction of each change, signed in a chain by a job each minute."""
