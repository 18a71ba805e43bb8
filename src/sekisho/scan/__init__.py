"""Which lines deserve a look: literals that a rule cannot match without, and the pass over a block that finds them."""
