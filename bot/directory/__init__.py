"""The directory of services, in the Human Services Data Specification (HSDS) 3: import, export, search, hours."""
