"""The live page and its API: what the topics hold, drawn as it comes; verdicts of people go back to a topic."""
