"""What the administrator wants: Fail2ban's INI dialect in, typed specs out, every mistake with file and line."""
