"""Telling people: mail with a whois report."""
