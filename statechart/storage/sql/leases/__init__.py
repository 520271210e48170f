"""Hold names of a database: take them, renew their leases, and write with their fences."""
