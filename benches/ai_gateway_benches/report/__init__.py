"""This turns figures into what people and machines read: tables, the page, verdicts on targets, and files."""
