"""What economic series say, by themselves and of a portfolio, as of a pack."""
