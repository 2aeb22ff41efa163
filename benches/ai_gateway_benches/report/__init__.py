"""From figures to what people and machines read: tables, the page, the targets, and the files they are in."""
