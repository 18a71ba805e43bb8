"""The words of Sekisho: values that every room speaks in. No effects, no imports from other rooms."""
