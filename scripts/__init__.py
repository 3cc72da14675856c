"""Scripts that make what Bedside ships: tables, weights, pages."""
