"""The protocol of docs/evaluation.md: folders left out, seeds, cuts, and what others published."""
