"""Methods: what a defence is, and the table of all of them."""
