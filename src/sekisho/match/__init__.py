"""What a line says: tags, rules, dates, sessions across lines, and the matcher that joins them."""
