"""What follows from a failure: windows, exemptions, ban times, expiry."""
