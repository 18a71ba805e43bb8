"""What is shipped: the stock configuration, under the administrator's directory."""
