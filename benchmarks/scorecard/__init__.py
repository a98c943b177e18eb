"""The scorecard: labelled series through every detector, scored without a look at the labels before all is said."""
