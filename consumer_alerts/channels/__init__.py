"""Ways to reach people: each takes one message at a time, and says whether it arrived."""
