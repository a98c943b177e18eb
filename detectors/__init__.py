"""The maths: features, forest, explanations, the model bundle. No Kafka in here."""
