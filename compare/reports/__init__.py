"""What pages are made of: texts, plots, what is known of each row. `compare.report` is the entrance."""
