"""What `lab bench` runs. Figures are ratios within one run on one machine; nothing here is a test."""
